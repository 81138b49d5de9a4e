package org.barchan.cli.option;

import java.util.Iterator;
import java.util.List;
import org.barchan.client.Transport;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a transport, and lists the names of all for completion: they are not those of the constants. */
final class TransportConverter implements ITypeConverter<Transport>, Iterable<String> {
    @Override
    public Transport convert(String text) {
        return switch (text) {
            case "auto" -> Transport.AUTO;
            case "9p" -> Transport.NINEP;
            case "virtiofs" -> Transport.VIRTIOFS;
            default -> throw new TypeConversionException("'" + text + "' (expected: auto, 9p or virtiofs)");
        };
    }

    @Override
    public Iterator<String> iterator() {
        return List.of("auto", "9p", "virtiofs").iterator();
    }
}
