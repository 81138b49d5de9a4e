package org.barchan.cli.option;

import picocli.CommandLine.Option;

/** {@code --output}. */
public final class OutputOption {
    @Option(
            names = "--output",
            paramLabel = "FORMAT",
            converter = OutputFormat.Converter.class,
            completionCandidates = OutputFormat.Converter.class,
            description = "text (the default) or json: one JSON object on standard output.")
    private OutputFormat format = OutputFormat.TEXT;

    public boolean json() {
        return format == OutputFormat.JSON;
    }
}
