package org.barchan.host.api;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.barchan.host.lifecycle.SandboxFilter;
import org.barchan.host.lifecycle.SandboxView;
import org.barchan.host.sandbox.Labels;
import org.barchan.v1.LabelMatch;
import org.barchan.v1.ListSandboxesRequest;

/** Makes a filter of a {@code ListSandboxesRequest}, or a list of all that is wrong with it. For one use. */
final class SandboxFilterParser {
    private static final String FILTER = "filter.";
    private static final int MAX = 64;
    private static final Pattern PART_OF_NAME = Pattern.compile("[a-z0-9-]{1,63}");

    private final List<StatusMapping.Violation> violations = new ArrayList<>();

    /** Returns the filter; throws the status that names all violations. */
    SandboxFilter parse(ListSandboxesRequest request) {
        SandboxFilter filter = new SandboxFilter(
                request.getEnded(),
                labels(request.getFilter().getLabelsList()),
                names(request.getFilter().getNamesList()),
                phases(request.getFilter()));
        if (!violations.isEmpty()) {
            throw StatusMapping.of(violations);
        }
        return filter;
    }

    private List<SandboxFilter.Label> labels(List<LabelMatch> matches) {
        if (tooMany("labels", matches.size())) {
            return List.of();
        }
        List<SandboxFilter.Label> labels = new ArrayList<>();
        for (int i = 0; i < matches.size(); i++) {
            LabelMatch match = matches.get(i);
            Optional<String> value = match.hasValue() ? Optional.of(match.getValue()) : Optional.empty();
            try {
                Labels.checkKey(match.getKey());
                value.ifPresent(Labels::checkValue);
                labels.add(new SandboxFilter.Label(match.getKey(), value));
            } catch (IllegalArgumentException e) {
                wrong("labels[" + i + "]", String.valueOf(e.getMessage()));
            }
        }
        return labels;
    }

    private List<String> names(List<String> parts) {
        if (tooMany("names", parts.size())) {
            return List.of();
        }
        for (int i = 0; i < parts.size(); i++) {
            if (!PART_OF_NAME.matcher(parts.get(i)).matches()) {
                wrong("names[" + i + "]", "'" + parts.get(i) + "' (expected: 1 to 63 of a-z, 0-9 and '-')");
            }
        }
        return parts;
    }

    private Set<SandboxView.Phase> phases(org.barchan.v1.SandboxFilter filter) {
        Set<SandboxView.Phase> phases = EnumSet.noneOf(SandboxView.Phase.class);
        for (int i = 0; i < filter.getStatesCount(); i++) {
            switch (filter.getStates(i)) {
                case SANDBOX_STATE_CREATED -> phases.add(SandboxView.Phase.CREATED);
                case SANDBOX_STATE_STARTING -> phases.add(SandboxView.Phase.STARTING);
                case SANDBOX_STATE_RUNNING -> phases.add(SandboxView.Phase.RUNNING);
                case SANDBOX_STATE_PAUSED -> phases.add(SandboxView.Phase.PAUSED);
                case SANDBOX_STATE_STOPPING -> phases.add(SandboxView.Phase.STOPPING);
                case SANDBOX_STATE_ENDED -> phases.add(SandboxView.Phase.ENDED);
                case SANDBOX_STATE_UNSPECIFIED, UNRECOGNIZED ->
                    wrong("states[" + i + "]", RunStartParser.unknown(filter.getStatesValue(i)));
            }
        }
        return phases;
    }

    private boolean tooMany(String field, int count) {
        if (count > MAX) {
            wrong(field, count + " of them (expected: at most " + MAX + ")");
        }
        return count > MAX;
    }

    private void wrong(String field, String problem) {
        violations.add(new StatusMapping.Violation(FILTER + field, problem));
    }
}
