package org.barchan.cli.option;

import java.util.Iterator;
import java.util.List;
import org.barchan.client.Accelerator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads an accelerator, and lists the names of all for completion: they are not those of the constants. */
final class AcceleratorConverter implements ITypeConverter<Accelerator>, Iterable<String> {
    @Override
    public Accelerator convert(String text) {
        return switch (text) {
            case "auto" -> Accelerator.AUTO;
            case "kvm" -> Accelerator.KVM;
            case "tcg" -> Accelerator.TCG;
            default -> throw new TypeConversionException("'" + text + "' (expected: auto, kvm or tcg)");
        };
    }

    @Override
    public Iterator<String> iterator() {
        return List.of("auto", "kvm", "tcg").iterator();
    }
}
