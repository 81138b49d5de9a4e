package org.barchan.host.api;

import java.util.Optional;
import java.util.function.BiConsumer;
import org.barchan.host.lifecycle.ProcessLog;
import org.barchan.host.lifecycle.RunOrder;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.v1.LogSpec;

/** Looks for what is wrong with what requests say of processes that outlive their clients. */
final class KeptParser {
    private final String prefix;
    private final BiConsumer<String, String> wrong;

    /**
     * @param prefix what the fields begin with
     * @param wrong is told a field and what is wrong with it
     */
    KeptParser(String prefix, BiConsumer<String, String> wrong) {
        this.prefix = prefix;
        this.wrong = wrong;
    }

    /** @param number as it is in the message */
    ClientLostPolicy policy(int number) {
        return switch (org.barchan.v1.ClientLostPolicy.forNumber(number)) {
            case CLIENT_LOST_POLICY_UNSPECIFIED, CLIENT_LOST_POLICY_DELETE -> ClientLostPolicy.DELETE;
            case CLIENT_LOST_POLICY_KEEP -> ClientLostPolicy.KEEP;
            case null, default -> {
                wrong.accept(prefix + "client_lost_policy", RunStartParser.unknown(number));
                yield ClientLostPolicy.DELETE;
            }
        };
    }

    RunOrder.Kept parse(
            ClientLostPolicy policy,
            boolean detach,
            Optional<LogSpec> log,
            boolean deleteWhenEnded,
            boolean stdinOpen) {
        if (policy != ClientLostPolicy.KEEP) {
            if (detach) {
                wrong.accept(
                        prefix + "detach",
                        "true with a client_lost_policy that deletes (expected: CLIENT_LOST_POLICY_KEEP)");
            }
            if (log.isPresent() || deleteWhenEnded) {
                wrong.accept(
                        prefix + (log.isPresent() ? "log" : "delete_when_ended"),
                        "set with a client_lost_policy that keeps nothing (expected: CLIENT_LOST_POLICY_KEEP)");
            }
        }
        if (stdinOpen && !detach) {
            wrong.accept(prefix + "stdin_open", "true without detach (expected: a client that does not stay)");
        }
        return new RunOrder.Kept(limit(log.orElseGet(LogSpec::getDefaultInstance)), detach, deleteWhenEnded, stdinOpen);
    }

    private ProcessLog.Limit limit(LogSpec log) {
        ProcessLog.Policy policy = switch (log.getPolicy()) {
            case LOG_POLICY_UNSPECIFIED, LOG_POLICY_DROP_OLDEST -> ProcessLog.Policy.DROP_OLDEST;
            case LOG_POLICY_BLOCK -> ProcessLog.Policy.BLOCK;
            case LOG_POLICY_SPILL -> ProcessLog.Policy.SPILL;
            case UNRECOGNIZED -> {
                wrong.accept(prefix + "log.policy", RunStartParser.unknown(log.getPolicyValue()));
                yield ProcessLog.Policy.DROP_OLDEST;
            }
        };
        try {
            return new ProcessLog.Limit(
                    log.hasLimitBytes() ? log.getLimitBytes() : ProcessLog.Limit.DEFAULT.bytes(), policy);
        } catch (IllegalArgumentException e) {
            wrong.accept(prefix + "log.limit_bytes", String.valueOf(e.getMessage()));
            return ProcessLog.Limit.DEFAULT;
        }
    }
}
