package org.barchan.cli.option;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.barchan.client.SandboxFilter;
import org.barchan.client.SandboxState;
import picocli.CommandLine.Option;

/** {@code --filter}. */
public final class FilterOptions {
    private static final Pattern PART_OF_NAME = Pattern.compile("[a-z0-9-]{1,63}");

    @Option(
            names = "--filter",
            paramLabel = "KEY=VALUE",
            description = {
                "Only those with label=KEY or label=KEY=VALUE, with name=TEXT in their name, in state=STATE: created, starting, running, paused,"
                        + " stopping or ended. Any number of times: all labels, one of the names, one of the states. status=STATE means"
                        + " state=STATE. With state=ended or state=created, those are listed without --all, too."
            })
    private List<String> filters = new ArrayList<>();

    public boolean isGiven() {
        return !filters.isEmpty();
    }

    /**
     * Returns what they say.
     *
     * @param ended whether those too that have ended
     * @throws IllegalArgumentException when one of them is wrong
     */
    public SandboxFilter toFilter(boolean ended) {
        List<SandboxFilter.Label> labels = new ArrayList<>();
        List<String> names = new ArrayList<>();
        Set<SandboxState> states = EnumSet.noneOf(SandboxState.class);
        for (String filter : filters) {
            int equals = filter.indexOf('=');
            String value = filter.substring(equals + 1);
            try {
                switch (equals < 0 ? "" : filter.substring(0, equals)) {
                    case "label" -> labels.add(LabelOption.parse(value));
                    case "name" -> names.add(name(value));
                    case "state", "status" -> states.add(state(value));
                    default ->
                        throw new IllegalArgumentException(
                                "expected: label=KEY, label=KEY=VALUE, name=TEXT or state=STATE");
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "invalid value for option '--filter': '" + filter + "': " + e.getMessage(), e);
            }
        }
        return new SandboxFilter(ended, labels, names, states);
    }

    private static String name(String text) {
        if (!PART_OF_NAME.matcher(text).matches()) {
            throw new IllegalArgumentException("no name holds that (expected: 1 to 63 of a-z, 0-9 and '-')");
        }
        return text;
    }

    private static SandboxState state(String text) {
        for (SandboxState state : SandboxState.values()) {
            if (state != SandboxState.UNKNOWN
                    && state.name().toLowerCase(Locale.ROOT).equals(text)) {
                return state;
            }
        }
        // Docker's word.
        if (text.equals("exited")) {
            return SandboxState.ENDED;
        }
        throw new IllegalArgumentException(
                "no such state (expected: created, starting, running, paused, stopping or ended)");
    }
}
