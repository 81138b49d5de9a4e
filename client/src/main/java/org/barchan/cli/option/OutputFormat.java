package org.barchan.cli.option;

import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How a verb prints what it found. */
public enum OutputFormat {
    /** For people. */
    TEXT,
    /** One JSON object. */
    JSON;

    /** Reads a format, and lists the names of all for completion. */
    static final class Converter implements ITypeConverter<OutputFormat>, Iterable<String> {
        @Override
        public OutputFormat convert(String text) {
            return switch (text) {
                case "text" -> TEXT;
                case "json" -> JSON;
                default -> throw new TypeConversionException("'" + text + "' (expected: text or json)");
            };
        }

        @Override
        public Iterator<String> iterator() {
            return List.of("text", "json").iterator();
        }
    }
}
