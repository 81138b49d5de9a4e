package org.barchan.it;

/** A phase of a run, found by what {@code barchan run --verbose --debug} says on standard error as it begins. */
enum Phase {
    /** The agent is about to start the virtual machine. */
    STARTING("booting Linux"),
    /** The first line of the guest's kernel. */
    BOOTING("Linux version"),
    /** The guest's init has been reached. */
    CONFIGURING("bring lo up: done"),
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
