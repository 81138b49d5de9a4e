package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.Optional;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Lost;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;

/** Says how things ended that did not end by themselves. */
final class Endings {
    /** How long to wait for the console's last words. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    private Endings() {}

    /** Returns the termination of a process whose end was not seen. */
    static Termination lost(Optional<StopReason> reason, LiveGuest live, String error) {
        boolean panicked = panicked(live);
        TerminationCause cause = reason.map(r -> switch (r) {
                    case DELETED -> TerminationCause.TERMINATION_CAUSE_SANDBOX_DELETED;
                    case TIME_UP -> TerminationCause.TERMINATION_CAUSE_TIMEOUT;
                    case LIFETIME_OVER -> TerminationCause.TERMINATION_CAUSE_MAX_LIFETIME;
                    case IDLE -> TerminationCause.TERMINATION_CAUSE_IDLE;
                    case MACHINE_ENDED ->
                        panicked
                                ? TerminationCause.TERMINATION_CAUSE_GUEST_PANIC
                                : TerminationCause.TERMINATION_CAUSE_VMM_CRASH;
                    case AGENT_STOPPING, CLIENT_LOST -> TerminationCause.TERMINATION_CAUSE_UNSPECIFIED;
                })
                .orElse(
                        panicked
                                ? TerminationCause.TERMINATION_CAUSE_GUEST_PANIC
                                : TerminationCause.TERMINATION_CAUSE_UNSPECIFIED);
        String words = reason.map(r -> switch (r) {
                    case DELETED -> "the sandbox was deleted while the process ran";
                    case TIME_UP ->
                        "the process's time was up and SIGKILL did not end it: its virtual machine was destroyed";
                    case LIFETIME_OVER ->
                        "the sandbox's time was up and SIGKILL did not end its process: its virtual machine was destroyed";
                    case IDLE ->
                        "the sandbox was not in use for too long and SIGKILL did not end its process: its virtual machine was destroyed";
                    case AGENT_STOPPING -> "the agent stopped while the process ran";
                    case MACHINE_ENDED ->
                        (panicked ? "the guest's kernel panicked" : "the virtual machine went away")
                                + Diagnosis.of(live.machine(), live.console());
                    case CLIENT_LOST -> "its client went away";
                })
                .orElseGet(() -> "the guest is out of reach: " + Printable.line(error)
                        + Diagnosis.of(live.machine(), live.console()));
        return Termination.newBuilder()
                .setLost(Lost.newBuilder().setReason(words))
                .setCause(cause)
                .build();
    }

    /** Returns the termination of a process whose sandbox has ended. */
    static Termination withSandbox() {
        return Termination.newBuilder()
                .setLost(Lost.newBuilder().setReason("its own command has ended"))
                .build();
    }

    /** Returns why a run ended before its process was started. */
    static SandboxException beforeStart(Sandbox sandbox, Optional<LiveGuest> live) {
        StopReason reason = sandbox.signal().reason().orElse(StopReason.DELETED);
        return switch (reason) {
            case DELETED ->
                new SandboxException(
                        SandboxException.Code.LOST, "sandbox " + sandbox.id() + " was deleted while it started");
            case AGENT_STOPPING -> new SandboxException(SandboxException.Code.UNAVAILABLE, "the agent is stopping");
            case CLIENT_LOST, TIME_UP, LIFETIME_OVER, IDLE ->
                new SandboxException(
                        SandboxException.Code.LOST, "the client went away while " + sandbox.id() + " started");
            case MACHINE_ENDED ->
                new SandboxException(
                        SandboxException.Code.LOST,
                        "starting the process in " + sandbox.id() + ": the virtual machine went away"
                                + live.map(l -> Diagnosis.of(l.machine(), l.console()))
                                        .orElse(""));
        };
    }

    /** Returns a termination in one line. */
    static String describe(Termination termination) {
        return result(termination) + ", " + termination.getCause();
    }

    /** Returns what came of a process, in some words. */
    static String result(Termination termination) {
        return switch (termination.getResultCase()) {
            case EXIT_CODE -> "exit code " + termination.getExitCode();
            case SIGNAL -> "signal " + termination.getSignal();
            case SPAWN_ERROR ->
                "not started: " + Printable.line(termination.getSpawnError().getMessage());
            case LOST ->
                "lost: "
                        + Printable.line(termination
                                .getLost()
                                .getReason()
                                .lines()
                                .findFirst()
                                .orElse(""));
            case RESULT_NOT_SET -> "no result";
        };
    }

    private static boolean panicked(LiveGuest live) {
        try {
            if (live.machine().ended().toCompletableFuture().isDone()) {
                live.console().drain(LAST_WORDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return live.console().panicked();
    }
}
