package org.barchan.client;

import java.util.Optional;

/**
 * A run that has ended.
 *
 * @param sandbox the sandbox that it had, as last seen
 * @param stdout what the process wrote, up to the limit
 * @param stderr what the process wrote, up to the limit
 */
public record RunResult(Termination termination, Optional<Sandbox> sandbox, Capture stdout, Capture stderr) {}
