package org.barchan.cli.option;

import org.barchan.client.SandboxSpec;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the name of a sandbox, or of a command in it. */
public final class NameConverter implements ITypeConverter<String> {
    @Override
    public String convert(String text) {
        try {
            SandboxSpec.checkName(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
        return text;
    }
}
