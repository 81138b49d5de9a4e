package org.barchan.cli.option;

import org.barchan.client.SandboxSpec;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number of virtual CPUs. */
final class VcpusConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
        try {
            int vcpus = Integer.parseInt(text);
            SandboxSpec.checkVcpus(vcpus);
            return vcpus;
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is no number of CPUs (expected: 1 to 255)");
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
    }
}
