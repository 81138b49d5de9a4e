package org.barchan.client;

/**
 * The result of one check of what a run needs.
 *
 * @param check what was checked
 * @param detail what was found
 * @param remedy what to do; empty when there is nothing to do
 */
public record Diagnosis(String check, Outcome outcome, String detail, String remedy) {
    /** How a check went. */
    public enum Outcome {
        /** As it should be. */
        OK,
        /** Sandboxes run, with a drawback that the detail names. */
        WARNING,
        /** Sandboxes don't run. */
        FAILED
    }
}
