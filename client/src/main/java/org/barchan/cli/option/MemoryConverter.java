package org.barchan.cli.option;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.barchan.client.SandboxSpec;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a size of memory in bytes: "536870912", "512M", "512MiB", "1G", each unit a power of 1024. */
final class MemoryConverter implements ITypeConverter<Long> {
    private static final Pattern FORM = Pattern.compile("(\\d{1,20})(?:([KMGT])(?:I?B)?)?");

    @Override
    public Long convert(String text) {
        Matcher matcher = FORM.matcher(text.toUpperCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new TypeConversionException(
                    "'" + text + "' is no size (expected: a whole number of bytes, or with K, M, G, T: 512M, 1GiB)");
        }
        int power = matcher.group(2) == null ? 0 : 1 + "KMGT".indexOf(matcher.group(2));
        BigInteger bytes = new BigInteger(matcher.group(1)).shiftLeft(10 * power);
        try {
            SandboxSpec.checkMemory(
                    bytes.min(BigInteger.valueOf(Long.MAX_VALUE)).longValue());
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException("'" + text + "': " + e.getMessage());
        }
        return bytes.longValueExact();
    }
}
