package org.barchan.client;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which sandboxes: those of which all of this holds.
 *
 * @param ended whether those too that have ended and are kept; they are listed anyway with {@link SandboxState#ENDED} among the states
 * @param labels what it has, all of them
 * @param names what its name holds, one of them; empty: any name does
 * @param states which it is in, one of them; empty: any does
 */
public record SandboxFilter(boolean ended, List<Label> labels, List<String> names, Set<SandboxState> states) {
    /** All that live. */
    public static final SandboxFilter LIVE = new SandboxFilter(false, List.of(), List.of(), Set.of());

    /** @throws IllegalArgumentException if a state is none that can be asked for */
    public SandboxFilter {
        labels = List.copyOf(labels);
        names = List.copyOf(names);
        states = Set.copyOf(states);
        if (states.contains(SandboxState.UNKNOWN)) {
            throw new IllegalArgumentException("state: unknown (expected: another)");
        }
    }

    /**
     * A label.
     *
     * @param value empty: any
     */
    public record Label(String key, Optional<String> value) {}
}
