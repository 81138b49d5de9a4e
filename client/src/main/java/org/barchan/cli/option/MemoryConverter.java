package org.barchan.cli.option;

import org.barchan.client.SandboxSpec;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a size of memory that a guest can have: see {@link Size}. */
final class MemoryConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
        long bytes;
        try {
            bytes = Size.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
        try {
            SandboxSpec.checkMemory(bytes);
            return bytes;
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException("'" + text + "': " + e.getMessage());
        }
    }
}
