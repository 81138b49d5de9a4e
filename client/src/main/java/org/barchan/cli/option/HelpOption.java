package org.barchan.cli.option;

import picocli.CommandLine.Option;

/** {@code --help}. */
public final class HelpOption {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    private boolean requested;

    /** Tells whether help was asked for. */
    public boolean requested() {
        return requested;
    }
}
