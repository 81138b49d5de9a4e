package org.barchan.cli.option;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads how much of what a command writes is kept: see {@link Size}. */
final class LogLimitConverter implements ITypeConverter<Long> {
    private static final long LEAST = 1 << 20;

    @Override
    public Long convert(String text) {
        long bytes;
        try {
            bytes = Size.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
        if (bytes < LEAST) {
            throw new TypeConversionException("'" + text + "' (expected: at least 1M)");
        }
        return bytes;
    }
}
