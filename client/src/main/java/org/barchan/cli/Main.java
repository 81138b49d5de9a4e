package org.barchan.cli;

/** The {@code barchan} command. */
public final class Main {
    private Main() {}

    /** Runs a verb and ends the process with its status. */
    public static void main(String[] args) {
        Signals.start();
        Signals.exit(new CommandLineRunner(Caller.arguments(args)).run());
    }
}
