package org.barchan.host.lifecycle;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which sandboxes are asked for: those of which all of this holds.
 *
 * @param ended whether those too that have ended, or are to be started
 * @param labels what it has, all of them
 * @param names what its name holds, one of them; empty: any name does
 * @param phases where it is in its life, one of them; empty: any does
 */
public record SandboxFilter(boolean ended, List<Label> labels, List<String> names, Set<SandboxView.Phase> phases) {
    /** All that live. */
    public static final SandboxFilter LIVE = new SandboxFilter(false, List.of(), List.of(), Set.of());

    /** All. */
    public static final SandboxFilter ALL = new SandboxFilter(true, List.of(), List.of(), Set.of());

    public SandboxFilter {
        labels = List.copyOf(labels);
        names = List.copyOf(names);
        phases = Set.copyOf(phases);
    }

    /**
     * A label.
     *
     * @param value empty: any
     */
    public record Label(String key, Optional<String> value) {
        private boolean isOf(SandboxView sandbox) {
            String found = sandbox.labels().values().get(key);
            return found != null && value.map(found::equals).orElse(true);
        }
    }

    /** Whether those have to be looked at that do not live. */
    boolean mayNotLive() {
        return ended || phases.contains(SandboxView.Phase.ENDED) || phases.contains(SandboxView.Phase.CREATED);
    }

    boolean passes(SandboxView sandbox) {
        return (phases.isEmpty() || phases.contains(sandbox.phase()))
                && (names.isEmpty()
                        || names.stream()
                                .anyMatch(part -> sandbox.name().value().contains(part)))
                && labels.stream().allMatch(label -> label.isOf(sandbox));
    }
}
