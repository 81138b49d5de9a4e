package org.barchan.cli.option;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a time as timeout(1) does: "10", "1.5s", "2m", "1h", "1d". */
public final class DurationConverter implements ITypeConverter<Duration> {
    private static final Pattern FORM = Pattern.compile("(\\d{1,12}(?:\\.\\d{0,9})?|\\.\\d{1,9})([smhd]?)");

    /** protobuf's limit, about 10,000 years. */
    private static final BigDecimal MAXIMUM_SECONDS = BigDecimal.valueOf(315_576_000_000L);

    @Override
    public Duration convert(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new TypeConversionException(
                    "'" + text + "' is no time (expected: seconds, or a number with s, m, h or d: 10, 1.5s, 2m)");
        }
        long unit = switch (matcher.group(2)) {
            case "m" -> 60;
            case "h" -> 60 * 60;
            case "d" -> 24 * 60 * 60;
            default -> 1; // "s" or nothing: the pattern lets nothing else through
        };
        BigDecimal seconds = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit));
        if (seconds.compareTo(MAXIMUM_SECONDS) > 0) {
            throw new TypeConversionException("'" + text + "' is too long (expected: at most 10,000 years)");
        }
        BigDecimal nanos = seconds.movePointRight(9).setScale(0, RoundingMode.UP);
        BigDecimal[] parts = nanos.divideAndRemainder(BigDecimal.valueOf(1_000_000_000));
        return Duration.ofSeconds(parts[0].longValueExact(), parts[1].longValueExact());
    }
}
