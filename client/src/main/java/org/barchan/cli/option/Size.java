package org.barchan.cli.option;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a size in bytes: "536870912", "512M", "512MiB", "1G", each unit a power of 1024. */
final class Size {
    private static final Pattern FORM = Pattern.compile("(\\d{1,20})(?:([KMGT])(?:I?B)?)?");

    private Size() {}

    /** @throws IllegalArgumentException if it is no size, or one beyond what a number holds */
    static long parse(String text) {
        Matcher matcher = FORM.matcher(text.toUpperCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no size (expected: a whole number of bytes, or with K, M, G, T: 512M, 1GiB)");
        }
        int power = matcher.group(2) == null ? 0 : 1 + "KMGT".indexOf(matcher.group(2));
        return new BigInteger(matcher.group(1))
                .shiftLeft(10 * power)
                .min(BigInteger.valueOf(Long.MAX_VALUE))
                .longValue();
    }
}
