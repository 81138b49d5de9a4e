package org.barchan.cli.option;

import java.util.Optional;
import org.barchan.client.SandboxFilter;
import org.barchan.client.SandboxSpec;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** One {@code --label}: without a value it is empty. */
public record LabelOption(String key, String value) {
    static final class Converter implements ITypeConverter<LabelOption> {
        @Override
        public LabelOption convert(String text) {
            try {
                SandboxFilter.Label label = parse(text);
                return new LabelOption(label.key(), label.value().orElse(""));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }

    /**
     * Returns what KEY or KEY=VALUE stands for.
     *
     * @throws IllegalArgumentException when it is none
     */
    static SandboxFilter.Label parse(String text) {
        int equals = text.indexOf('=');
        String key = equals < 0 ? text : text.substring(0, equals);
        Optional<String> value = equals < 0 ? Optional.empty() : Optional.of(text.substring(equals + 1));
        SandboxSpec.checkLabelKey(key);
        value.ifPresent(SandboxSpec::checkLabelValue);
        return new SandboxFilter.Label(key, value);
    }
}
