package org.barchan.cli.option;

import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import org.barchan.client.LogPolicy;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads what happens when a log is full. */
final class LogPolicyConverter implements ITypeConverter<LogPolicy>, Iterable<String> {
    @Override
    public LogPolicy convert(String text) {
        return Arrays.stream(LogPolicy.values())
                .filter(policy -> text(policy).equals(text))
                .findFirst()
                .orElseThrow(() ->
                        new TypeConversionException("'" + text + "' (expected: " + String.join(", ", this) + ")"));
    }

    static String text(LogPolicy policy) {
        return policy.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    @Override
    public Iterator<String> iterator() {
        return Arrays.stream(LogPolicy.values()).map(LogPolicyConverter::text).iterator();
    }
}
