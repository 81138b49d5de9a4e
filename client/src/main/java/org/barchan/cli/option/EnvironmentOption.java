package org.barchan.cli.option;

import java.util.Optional;
import org.barchan.client.ProcessSpec;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * One {@code --env}.
 *
 * @param value empty: the caller's value
 */
public record EnvironmentOption(String name, Optional<String> value) {
    static final class Converter implements ITypeConverter<EnvironmentOption> {
        @Override
        public EnvironmentOption convert(String text) {
            int equals = text.indexOf('=');
            String name = equals < 0 ? text : text.substring(0, equals);
            try {
                ProcessSpec.checkVariableName(name);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(
                        "'" + text + "' names no variable (expected: NAME=VALUE, or NAME for your own value)");
            }
            return new EnvironmentOption(name, equals < 0 ? Optional.empty() : Optional.of(text.substring(equals + 1)));
        }
    }
}
