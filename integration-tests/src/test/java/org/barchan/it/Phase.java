package org.barchan.it;

/** A phase of a run, found by what {@code barchan run --verbose} says on standard error as it begins. */
enum Phase {
    STARTING("starting"),
    BOOTING("booting"),
    CONFIGURING("configuring"),
    /** Said by the command itself. */
    RUNNING("command runs");

    private final String line;

    Phase(String line) {
        this.line = line;
    }

    String line() {
        return line;
    }
}
