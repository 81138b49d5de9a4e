package org.barchan.cli.option;

import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.barchan.client.ResourceLimit;
import org.barchan.client.ResourceLimit.Resource;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a limit as other tools that run containers do: {@code nofile=1024:4096}, {@code core=0}, {@code memlock=unlimited}. */
public final class UlimitConverter implements ITypeConverter<ResourceLimit> {
    private static final String UNLIMITED = "unlimited";

    @Override
    public ResourceLimit convert(String text) {
        int equals = text.indexOf('=');
        if (equals < 0) {
            throw wrong(text, "it has no limit (expected: NAME=SOFT[:HARD], for example nofile=1024:4096)");
        }
        Resource resource = resource(text, text.substring(0, equals));
        String[] limits = text.substring(equals + 1).split(":", -1);
        if (limits.length > 2) {
            throw wrong(text, "more than two limits (expected: SOFT, or SOFT:HARD)");
        }
        OptionalLong soft = limit(text, limits[0]);
        OptionalLong hard = limits.length == 1 ? soft : limit(text, limits[1]);
        try {
            return new ResourceLimit(resource, soft, hard);
        } catch (IllegalArgumentException e) {
            throw wrong(text, String.valueOf(e.getMessage()));
        }
    }

    private static Resource resource(String text, String name) {
        for (Resource resource : Resource.values()) {
            if (name(resource).equals(name)) {
                return resource;
            }
        }
        String known =
                Arrays.stream(Resource.values()).map(UlimitConverter::name).collect(Collectors.joining(", "));
        throw wrong(text, "there is no '" + name + "' to limit (expected: one of " + known + ")");
    }

    private static OptionalLong limit(String text, String limit) {
        if (limit.equals(UNLIMITED) || limit.equals("-1")) {
            return OptionalLong.empty();
        }
        try {
            if (limit.matches("\\d+")) {
                return OptionalLong.of(Long.parseLong(limit));
            }
        } catch (NumberFormatException e) {
            // Too large.
        }
        throw wrong(text, "'" + limit + "' is no limit (expected: a whole number, or unlimited)");
    }

    private static TypeConversionException wrong(String text, String problem) {
        return new TypeConversionException("'" + text + "': " + problem);
    }

    /** Returns a limit as this reads it. */
    static String text(ResourceLimit limit) {
        return name(limit.resource()) + "=" + text(limit.soft()) + ":" + text(limit.hard());
    }

    private static String text(OptionalLong limit) {
        return limit.isPresent() ? Long.toString(limit.getAsLong()) : UNLIMITED;
    }

    private static String name(Resource resource) {
        return resource.name().toLowerCase(Locale.ROOT);
    }
}
