package org.barchan.client;

import java.util.Optional;

/**
 * One more process in a sandbox that is there.
 *
 * @param clientLostPolicy with {@link ClientLostPolicy#KEEP} it runs on without its client, and without the agent; else it is hung up then
 * @param keep what is kept of it, with {@link ClientLostPolicy#KEEP}
 * @param processId what it is called, with {@link ClientLostPolicy#KEEP}: 1 to 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit,
 *     not "main". As long as it is kept, the same order starts nothing, but joins it from its first byte on. Empty: one is chosen
 */
public record ExecSpec(
        ProcessSpec process, ClientLostPolicy clientLostPolicy, KeepSpec keep, Optional<String> processId) {
    /** Returns a process that is hung up when its client goes away. */
    public static ExecSpec of(ProcessSpec process) {
        return new ExecSpec(process, ClientLostPolicy.DELETE, KeepSpec.DEFAULT, Optional.empty());
    }
}
