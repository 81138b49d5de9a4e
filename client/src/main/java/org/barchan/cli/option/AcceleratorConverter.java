package org.barchan.cli.option;

import org.barchan.client.Accelerator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads an accelerator. */
final class AcceleratorConverter implements ITypeConverter<Accelerator> {
    @Override
    public Accelerator convert(String text) {
        return switch (text) {
            case "auto" -> Accelerator.AUTO;
            case "kvm" -> Accelerator.KVM;
            case "tcg" -> Accelerator.TCG;
            default -> throw new TypeConversionException("'" + text + "' (expected: auto, kvm or tcg)");
        };
    }
}
