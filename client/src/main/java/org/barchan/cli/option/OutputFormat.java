package org.barchan.cli.option;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How a verb prints what it found. */
public enum OutputFormat {
    /** For people. */
    TEXT,
    /** One JSON object. */
    JSON;

    static final class Converter implements ITypeConverter<OutputFormat> {
        @Override
        public OutputFormat convert(String text) {
            return switch (text) {
                case "text" -> TEXT;
                case "json" -> JSON;
                default -> throw new TypeConversionException("'" + text + "' (expected: text or json)");
            };
        }
    }
}
