package org.barchan.cli.option;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.barchan.client.KeepSpec;
import org.barchan.client.LogPolicy;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of a command that outlives its client. */
public final class KeepOptions {
    /** As with other tools that run containers. */
    public static final String DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

    @Option(
            names = "--keep",
            description =
                    "Let the command run on when this client is lost. What it writes, and how it ends, is kept until its sandbox is deleted:"
                            + " see barchan-logs(1).")
    private boolean keep;

    @Option(
            names = "--detach",
            description =
                    "As --keep; when the command runs, print what other verbs name it by, and leave it to itself.")
    private boolean detach;

    @Option(
            names = "--interactive",
            description =
                    "With --detach: leave standard input open, for barchan-attach(1), as with --tty. Without, the command gets yours anyway.")
    private boolean interactive;

    @Option(
            names = "--detach-keys",
            paramLabel = "KEYS",
            description =
                    "With --keep and --tty: the keys that leave the command to itself, as with barchan-attach(1). By default "
                            + DEFAULT_DETACH_KEYS + ".")
    private String detachKeys = DEFAULT_DETACH_KEYS;

    @Option(names = "--rm", description = "With --keep or --detach: keep nothing when the command has ended.")
    private boolean delete;

    @Option(
            names = "--log-limit",
            paramLabel = "SIZE",
            converter = LogLimitConverter.class,
            description =
                    "With --keep or --detach: keep so much of what the command writes: bytes, or with K, M, G (powers of 1024), at least 1M,"
                            + " or 4M with --log-policy block."
                            + " By default 64M.")
    private @Nullable Long logLimit;

    @Option(
            names = "--log-policy",
            paramLabel = "POLICY",
            converter = LogPolicyConverter.class,
            completionCandidates = LogPolicyConverter.class,
            description =
                    "What happens when it has written more. drop-oldest: the oldest output is dropped (the default);"
                            + " block: the command is held back until somebody has read it; spill: more is kept.")
    private @Nullable LogPolicy logPolicy;

    /**
     * Returns what is kept; empty where the command ends with its client.
     *
     * @param tty whether the command has a terminal
     */
    public Optional<KeepSpec> toSpec(boolean tty) {
        return keep || detach ? Optional.of(spec(detach, tty)) : Optional.empty();
    }

    /** Returns what is kept of a command that outlives its client whatever the options say, as that leaves before it is started. */
    public KeepSpec toSpecOfCreated(boolean tty) {
        return spec(true, tty);
    }

    private KeepSpec spec(boolean leaves, boolean tty) {
        return new KeepSpec(
                leaves,
                logLimit == null ? OptionalLong.empty() : OptionalLong.of(logLimit),
                logPolicy == null ? KeepSpec.DEFAULT.logPolicy() : logPolicy,
                delete,
                leaves && (interactive || tty));
    }

    /** @throws IllegalArgumentException if the options contradict each other: to be called when all of them are known */
    public void check() {
        String option = delete
                ? "--rm"
                : !detachKeys.equals(DEFAULT_DETACH_KEYS)
                        ? "--detach-keys"
                        : logLimit != null ? "--log-limit" : logPolicy != null ? "--log-policy" : "";
        if (!keep && !detach && !option.isEmpty()) {
            throw new IllegalArgumentException(
                    "option '" + option + "' without --keep or --detach: nothing is kept then (expected: one of them)");
        }
    }

    public boolean detach() {
        return detach;
    }

    /** Whether the command outlives its client. */
    public boolean isKept() {
        return keep || detach;
    }

    public String detachKeys() {
        return detachKeys;
    }

    /** Puts what is set into a file of options. */
    public void addTo(Map<String, Object> values) {
        flag(values, "keep", keep);
        flag(values, "detach", detach);
        flag(values, "interactive", interactive);
        if (!detachKeys.equals(DEFAULT_DETACH_KEYS)) {
            values.put("detach-keys", detachKeys);
        }
        flag(values, "rm", delete);
        if (logLimit != null) {
            values.put("log-limit", Long.toString(logLimit));
        }
        if (logPolicy != null) {
            values.put("log-policy", LogPolicyConverter.text(logPolicy));
        }
    }

    private static void flag(Map<String, Object> values, String key, boolean value) {
        if (value) {
            values.put(key, true);
        }
    }
}
