package org.barchan.client;

import java.util.Optional;

/**
 * A kernel of the agent's host.
 *
 * @param release as {@code uname -r} prints it
 * @param image path of its image
 * @param problem why it can't run a sandbox, and what would do; empty if it can
 */
public record Kernel(String release, String image, Optional<String> problem) {}
