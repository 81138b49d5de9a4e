package org.barchan.client;

import java.time.Instant;
import java.util.Optional;

/**
 * A process of a sandbox.
 *
 * @param id what it is called in its sandbox; "main" is the one that the sandbox was made for
 * @param createTime when the agent accepted it
 * @param end how it has ended, if it has
 */
public record SandboxProcess(String id, Sandbox.Command command, Instant createTime, Optional<Sandbox.End> end) {}
