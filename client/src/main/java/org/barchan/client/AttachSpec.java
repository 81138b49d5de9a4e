package org.barchan.client;

import java.util.OptionalLong;

/**
 * From where on a process is joined, and how.
 *
 * @param stdoutOffset number of bytes of standard output to leave out; empty: what was written so far
 * @param stderrOffset the same of standard error
 * @param outputOnly whether it gets no standard input from here, and goes on getting it from whoever sends it
 */
public record AttachSpec(OptionalLong stdoutOffset, OptionalLong stderrOffset, boolean outputOnly) {
    /** From now on, with standard input. */
    public static final AttachSpec NOW = new AttachSpec(OptionalLong.empty(), OptionalLong.empty(), false);
}
