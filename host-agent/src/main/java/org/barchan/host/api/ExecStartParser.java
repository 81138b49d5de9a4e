package org.barchan.host.api;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.barchan.host.lifecycle.ExecOrder;
import org.barchan.host.lifecycle.RunOrder;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.ExecStart;

/** Makes an order of an {@code ExecStart}, or a list of all that is wrong with it. For one use. */
final class ExecStartParser {
    private static final String EXEC = "exec.";
    private static final String OWN = "main";

    private final List<StatusMapping.Violation> violations = new ArrayList<>();

    /** Returns the order; throws the status that names all violations. */
    ExecOrder parse(ExecStart start) throws SandboxException {
        Optional<Duration> timeout = new ProcessParser(EXEC + "process.", this::wrong).timeout(start.getProcess());
        if (start.getSandbox().isEmpty()) {
            wrong(EXEC + "sandbox", "empty (expected: an id or a name)");
        }
        KeptParser parser = new KeptParser(EXEC, this::wrong);
        ClientLostPolicy policy = parser.policy(start.getClientLostPolicyValue());
        RunOrder.Kept kept = parser.parse(
                policy,
                start.getDetach(),
                start.hasLog() ? Optional.of(start.getLog()) : Optional.empty(),
                start.getDeleteWhenEnded(),
                start.getStdinOpen());
        checkId(start.getProcessId(), policy);
        if (!violations.isEmpty()) {
            throw StatusMapping.of(violations);
        }
        return new ExecOrder(
                start.getProcess(),
                timeout,
                policy == ClientLostPolicy.KEEP
                        ? Optional.of(new ExecOrder.Kept(
                                kept, Optional.of(start.getProcessId()).filter(id -> !id.isEmpty()), digest(start)))
                        : Optional.empty());
    }

    private void checkId(String id, ClientLostPolicy policy) {
        if (id.isEmpty()) {
            return;
        }
        if (policy != ClientLostPolicy.KEEP) {
            wrong(
                    EXEC + "process_id",
                    "set with a client_lost_policy that keeps nothing (expected: CLIENT_LOST_POLICY_KEEP)");
        }
        if (id.equals(OWN)) {
            wrong(EXEC + "process_id", "'" + OWN + "' (expected: another, as the sandbox's own process is called so)");
        }
        try {
            var _ = new SandboxName(id);
        } catch (IllegalArgumentException e) {
            wrong(
                    EXEC + "process_id",
                    "'" + id
                            + "' (expected: 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit)");
        }
    }

    /** Of all that is ordered, however the sandbox is named. */
    private static ByteString digest(ExecStart start) {
        return OrderDigest.of(start.toBuilder().clearSandbox().build());
    }

    private void wrong(String field, String problem) {
        violations.add(new StatusMapping.Violation(field, problem));
    }
}
