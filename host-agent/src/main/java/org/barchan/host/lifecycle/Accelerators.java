package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.Host;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.AcceleratorChoice;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses what runs a guest's instructions. That /dev/kvm opens says nothing: in some virtual machines a guest under KVM spins for ever.
 * So KVM is used only after it has been proved to boot a guest within a deadline, once for each boot of the host. Safe for use by many
 * threads: while one proof runs, all who need it wait for it.
 */
final class Accelerators {
    private static final Logger LOG = LoggerFactory.getLogger(Accelerators.class);
    /** How much longer than its deadline a proof may take: the machine's start and destruction. */
    private static final Duration MARGIN = Duration.ofSeconds(20);

    private static final String CHECKING = "checking whether KVM works here (once per boot)";

    private final Host host;
    private final ProofStore store;
    private final TrialBoot trial;
    private final Duration deadline;
    private final Duration emulatedDeadline;
    private final Map<String, CompletableFuture<KvmVerdict>> proofs = new ConcurrentHashMap<>();

    /**
     * @param deadline how long a guest under KVM may take to answer
     * @param emulatedDeadline how long an emulated one may
     */
    Accelerators(Host host, ProofStore store, TrialBoot trial, Duration deadline, Duration emulatedDeadline) {
        this.host = host;
        this.store = store;
        this.trial = trial;
        this.deadline = deadline;
        this.emulatedDeadline = emulatedDeadline;
    }

    /**
     * Returns the accelerator for a guest.
     *
     * @throws SandboxException {@code PRECONDITION} when KVM was asked for and does not work
     */
    Accelerator resolve(AcceleratorChoice choice, Guest guest, Progress observer)
            throws SandboxException, InterruptedException {
        return switch (choice) {
            case TCG -> Accelerator.TCG;
            case KVM ->
                switch (verdict(guest, observer)) {
                    case KvmVerdict.Works() -> Accelerator.KVM;
                    case KvmVerdict.Fails(String reason) ->
                        throw new SandboxException(
                                SandboxException.Code.PRECONDITION,
                                "KVM was asked for and does not work here: " + reason
                                        + ". Use emulation (--accel tcg, or auto), or mend KVM; 'barchan doctor' tells more");
                };
            case AUTO ->
                switch (verdict(guest, observer)) {
                    case KvmVerdict.Works() -> Accelerator.KVM;
                    case KvmVerdict.Fails(String reason) -> {
                        observer.progress(
                                RunObserver.Level.WARNING,
                                "KVM does not work here (" + reason
                                        + "): using emulation (TCG), which is slow and no security boundary");
                        yield Accelerator.TCG;
                    }
                };
        };
    }

    /** Returns whether KVM works for a guest: from memory, else by a proof. */
    KvmVerdict verdict(Guest guest, Progress observer) throws SandboxException, InterruptedException {
        Optional<String> problem = host.kvmProblem(guest.runAs());
        if (problem.isPresent()) {
            return new KvmVerdict.Fails(problem.get());
        }
        String key = store.key(guest.files());
        CompletableFuture<KvmVerdict> own = new CompletableFuture<>();
        CompletableFuture<KvmVerdict> shared = proofs.putIfAbsent(key, own);
        if (shared == null) {
            Optional<KvmVerdict> known = store.read(key);
            if (known.isPresent()) {
                own.complete(known.get());
            } else {
                observer.progress(RunObserver.Level.INFO, CHECKING);
                // On a thread of its own: whoever came first may be cancelled, the others still want to know.
                Thread.ofVirtual().name("kvm-proof").start(() -> prove(key, guest, own));
            }
            shared = own;
        } else if (!shared.isDone()) {
            observer.progress(RunObserver.Level.INFO, CHECKING);
        }
        Duration patience = deadline.plus(MARGIN);
        try {
            return shared.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return new KvmVerdict.Fails(
                    "starting or ending a virtual machine under KVM took more than " + patience.toSeconds() + " s");
        } catch (ExecutionException e) {
            throw new SandboxException(
                    SandboxException.Code.INTERNAL, "checking whether KVM works: " + e.getCause(), e);
        }
    }

    private void prove(String key, Guest guest, CompletableFuture<KvmVerdict> result) {
        try {
            Duration time = boot(Accelerator.KVM, guest);
            LOG.info("KVM works: a guest answered after {} ms", time.toMillis());
            result.complete(remember(key, new KvmVerdict.Works()));
        } catch (SandboxException e) {
            LOG.warn("KVM does not work: {}", Printable.lines(String.valueOf(e.getMessage())));
            switch (e.code()) {
                case TIMEOUT ->
                    result.complete(remember(
                            key,
                            new KvmVerdict.Fails(
                                    "a guest under KVM did not come up within " + deadline.toSeconds() + " s")));
                case LOST ->
                    result.complete(remember(key, new KvmVerdict.Fails("a guest under KVM died while it booted")));
                case PRECONDITION, INTERNAL -> {
                    // Nobody waits for the rest: emulation is what the guest gets.
                    KvmVerdict verdict = new KvmVerdict.Fails(Printable.line(firstLine(e)));
                    result.complete(verdict);
                    rememberIfKvmIsToBlame(key, guest, verdict);
                }
                // Not a matter of KVM, and quick to find out again.
                case INVALID, NOT_FOUND, ALREADY_EXISTS, DENIED, EXHAUSTED, SILENT, OUT_OF_RANGE, UNAVAILABLE ->
                    forget(key, result, Printable.line(firstLine(e)));
            }
        } catch (InterruptedException e) {
            LOG.info("checking whether KVM works: the agent is stopping");
            forget(key, result, "the agent stopped while it was checked");
        } catch (RuntimeException e) {
            LOG.error("checking whether KVM works", e);
            forget(key, result, "the check itself failed: " + Printable.line(e.toString()));
        }
    }

    private Duration boot(Accelerator accelerator, Guest guest) throws SandboxException, InterruptedException {
        return trial.run(
                accelerator,
                guest.files(),
                guest.driver(),
                guest.runAs(),
                guest.uri(),
                accelerator == Accelerator.KVM ? deadline : emulatedDeadline,
                new StopSignal());
    }

    /** A machine that did not start may have lacked something else than a KVM that works: then it lacks that when emulated, too. */
    private void rememberIfKvmIsToBlame(String key, Guest guest, KvmVerdict verdict) {
        try {
            var _ = boot(Accelerator.TCG, guest);
            var _ = remember(key, verdict);
        } catch (SandboxException | InterruptedException e) {
            LOG.info(
                    "KVM may not be to blame: no guest boots under emulation either: {}", Printable.line(e.toString()));
            proofs.remove(key);
        }
    }

    private void forget(String key, CompletableFuture<KvmVerdict> result, String reason) {
        proofs.remove(key);
        result.complete(new KvmVerdict.Fails(reason));
    }

    private KvmVerdict remember(String key, KvmVerdict verdict) {
        store.write(key, verdict);
        return verdict;
    }

    private static String firstLine(SandboxException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }

    /** What a guest is to be booted with. */
    record Guest(BootFileSet files, HypervisorDriver driver, HostUser runAs, String uri) {}
}
