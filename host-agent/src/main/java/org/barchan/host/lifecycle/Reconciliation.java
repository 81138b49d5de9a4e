package org.barchan.host.lifecycle;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.barchan.host.port.Console;
import org.barchan.host.port.Consoles;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestHello;
import org.barchan.host.port.GuestLink;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.SandboxProcess;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes over what a former agent left: machines whose client is lost with it are destroyed, those that are to be kept are adopted, what
 * has no machine is removed.
 */
final class Reconciliation {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciliation.class);
    private static final Duration HELLO = Duration.ofSeconds(30);
    /** Within this a guest most often answers; it is asked again if not. */
    private static final Duration SOON = Duration.ofMillis(500);

    private final RuntimeDirectories directories;
    private final Consoles consoles;
    private final GuestLink link;
    private final Registry registry;
    private final Teardown teardown;
    private final SandboxRecords records;
    private final Timer timer;
    private final List<SandboxId> inherited;
    private final List<CompletableFuture<Void>> pending = new CopyOnWriteArrayList<>();

    /** Looks now at what the former agent left, before anything new is made. */
    Reconciliation(
            RuntimeDirectories directories,
            Consoles consoles,
            GuestLink link,
            Registry registry,
            Teardown teardown,
            SandboxRecords records,
            Timer timer) {
        this.records = records;
        this.directories = directories;
        this.consoles = consoles;
        this.link = link;
        this.registry = registry;
        this.teardown = teardown;
        this.timer = timer;
        try {
            this.inherited = directories.list();
        } catch (IOException e) {
            throw new UncheckedIOException("listing the runtime directories", e);
        }
    }

    /** Returns the hypervisors that the former agent used. */
    Set<String> uris() {
        Set<String> uris = new HashSet<>();
        uris.add(Hypervisors.DEFAULT_URI);
        inherited.forEach(id -> note(id).ifPresent(note -> uris.add(note.uri())));
        return uris;
    }

    /** Takes over the machines of a hypervisor that was opened just now. Those that must go do so in the background. */
    void takeOver(String uri, HypervisorDriver driver) throws SandboxException {
        Set<SandboxId> running = new HashSet<>();
        for (Machine machine : driver.running()) {
            MachineRecord record = machine.record();
            // An embedded driver is one agent's alone; a daemon is shared, and only what lies in this agent's directory
            // is its own.
            if (!uri.equals(Hypervisors.DEFAULT_URI)
                    && !record.runtimeDirectory().equals(directories.of(record.id()))) {
                continue;
            }
            running.add(record.id());
            // Two URIs can lead to the same daemon: what this agent has already is no former agent's.
            if (directories.hasMade(record.id())
                    || registry.find(record.id().value()).isPresent()) {
                continue;
            }
            Optional<SandboxRecord> known = records.find(record.id());
            Sandbox sandbox = new Sandbox(
                    record.id(),
                    record.name(),
                    record.createTime(),
                    record.clientLostPolicy(),
                    known.map(found -> found.view().process()).orElse(SandboxProcess.getDefaultInstance()));
            sandbox.builtFrom(record.accelerator(), record.kernelRelease());
            // The last of all: whoever waits finds an end where the sandbox is not found any more.
            sandbox.undo().push("note that its end was not seen", () -> {
                records.endLost(record.id());
                if (!sandbox.isOfCreated()) {
                    sandbox.events()
                            .ended(record.id(), sandbox.name(), Events.lost("its client was lost with the agent"));
                }
            });
            sandbox.undo().push("remove the runtime directory", () -> directories.remove(record.id()));
            sandbox.undo().push("destroy the machine", machine::destroy);
            known.ifPresent(found -> {
                sandbox.keep(found);
                sandbox.label(found.view().labels());
                sandbox.rename(found.view().name());
                sandbox.limit(found.view().lifetime(), timer);
            });
            boolean kept = record.clientLostPolicy() == ClientLostPolicy.KEEP;
            if (kept && known.map(found -> !found.own().isReadable()).orElse(records.isThere(record.id()))) {
                LOG.error("{}: it is left alone, as what is kept of it can't be read", record.id());
                continue;
            }
            if (kept && known.filter(found -> !found.hasEnded()).isPresent()) {
                registry.adopt(sandbox);
                CompletableFuture<Void> adopted = new CompletableFuture<>();
                pending.add(adopted);
                Thread.ofVirtual().name("adopt-" + record.id()).start(() -> adopt(sandbox, machine, adopted));
            } else {
                LOG.info(
                        "{}: its client was lost with the former agent, or nothing is kept of it: destroying it",
                        record.id());
                sandbox.stopping();
                registry.adopt(sandbox);
                Thread.ofVirtual().name("destroy-" + record.id()).start(() -> {
                    if (known.isEmpty()) {
                        // Of one that was renamed, only the events know.
                        sandbox.events().lastName(record.id()).ifPresent(sandbox::rename);
                    }
                    teardown.atOnce(sandbox);
                });
            }
        }
        for (SandboxId id : inherited) {
            boolean here = note(id).map(note -> note.uri().equals(uri)).orElse(uri.equals(Hypervisors.DEFAULT_URI));
            if (here && !running.contains(id)) {
                LOG.info("{}: its virtual machine is gone: removing what is left", id);
                try {
                    directories.remove(id);
                    records.endLost(id);
                } catch (UncheckedIOException e) {
                    // No reason to serve nobody.
                    LOG.error("{}: can't remove what is left", id, e);
                }
            }
        }
    }

    /** Returns those that a former agent made and that may live where nobody has looked yet. */
    Set<SandboxId> unseen() {
        try {
            return Set.copyOf(directories.list());
        } catch (IOException e) {
            return Set.copyOf(inherited);
        }
    }

    /** Completes when all that was found so far has been adopted or given up. */
    CompletableFuture<Void> settled() {
        return CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new));
    }

    private void adopt(Sandbox sandbox, Machine machine, CompletableFuture<Void> adopted) {
        try {
            sandbox.signal().arm();
            var _ = machine.ended().thenRun(() -> sandbox.signal().stop(StopReason.MACHINE_ENDED));
            // It is asked who it is, and how far its process has come; then it stands still again.
            boolean paused = machine.isPaused();
            if (paused) {
                sandbox.adoptPaused();
                machine.resume();
            }
            MachineRecord record = machine.record();
            Console console = consoles.open(sandbox.id(), record.consoleSocket());
            sandbox.undo().push("close the console", console::close);
            Guest guest = connect(record, paused);
            sandbox.undo().push("close the link", guest::close);
            GuestHello hello = guest.hello(HELLO);
            checkSame(sandbox.id(), hello);
            sandbox.record().ifPresent(SandboxRecord::begun);
            LiveGuest live = new LiveGuest(machine, console, guest, hello, false);
            takeOverOthers(sandbox, live, paused);
            noteStart(sandbox.record().orElseThrow().log(), Run.PROCESS_ID);
            sandbox.running(live);
            sandbox.events()
                    .adopted(sandbox.id(), sandbox.name(), sandbox.record().orElseThrow());
            sandbox.record().ifPresent(kept -> sandbox.publish(PublishedPorts.again(kept.view())));
            sandbox.signal().disarm();
            LOG.info("{}: adopted, epoch {}", sandbox.id(), hello.epochs());
            new Watch(teardown, records).mind(sandbox, live, () -> adopted.complete(null));
        } catch (SandboxException | InterruptedException | RuntimeException e) {
            sandbox.signal().disarm();
            if (sandbox.signal().reason().equals(Optional.of(StopReason.AGENT_STOPPING))) {
                LOG.info("{}: not adopted yet; left to the next agent", sandbox.id());
                sandbox.pauseAgain(machine);
                registry.remove(sandbox);
                return;
            }
            LOG.warn(
                    "{}: can't be adopted, destroying it: {}",
                    sandbox.id(),
                    Printable.line(String.valueOf(e.getMessage())));
            teardown.atOnce(sandbox);

        } finally {
            adopted.complete(null);
        }
    }

    /**
     * Connects to a guest.
     *
     * @param stoodStill whether it has not run since the former agent died: it may learn that its connection is gone behind the first that this one
     *     says, and take it for the end of the new one
     */
    private Guest connect(MachineRecord record, boolean stoodStill) throws SandboxException, InterruptedException {
        Guest guest = link.open(record.id(), record.linkSocket());
        if (!stoodStill) {
            return guest;
        }
        try {
            var _ = guest.hello(SOON);
            return guest;
        } catch (SandboxException e) {
            LOG.info("{}: connecting once more: {}", record.id(), Printable.line(String.valueOf(e.getMessage())));
            guest.close();
            return link.open(record.id(), record.linkSocket());
        }
    }

    /** Further processes: those that are kept are minded from where their logs end on; of the others, the clients were lost with the former agent. */
    private void takeOverOthers(Sandbox sandbox, LiveGuest live, boolean paused)
            throws SandboxException, InterruptedException {
        SandboxRecord record = sandbox.record().orElseThrow();
        for (String id : live.hello().processIds()) {
            if (id.equals(Run.PROCESS_ID)) {
                continue;
            }
            Optional<ProcessRecord> kept = record.processOfGuest(id).filter(known -> !known.hasEnded());
            if (kept.isEmpty()) {
                Execution.hangUp(live, id, sandbox.id() + "/" + id, timer);
            } else if (kept.get().isReadable()) {
                adopt(sandbox, live, record, kept.get(), paused);
            }
        }
        for (ProcessRecord other : record.others()) {
            boolean known = live.hello().processIds().contains(other.guestId());
            if (!known && other.isReadable() && !other.log().isStarted() && !other.hasEnded()) {
                // The order that comes again is not to find what never began.
                records.deleteProcess(record, other);
            } else if (!known || other.hasEnded()) {
                records.endLost(record, other, "the guest did not know it when the agent came back");
            }
        }
    }

    private void adopt(Sandbox sandbox, LiveGuest live, SandboxRecord record, ProcessRecord kept, boolean paused)
            throws SandboxException, InterruptedException {
        ProcessLog log = kept.log();
        ProcessConnection connection = live.guest().attach(kept.guestId(), log.stdoutEnd(), log.stderrEnd());
        if (paused) {
            // It is connected before all stands still again.
            var _ = connection.stdin();
        }
        noteStart(log, kept.id());
        String name = sandbox.id() + "/" + kept.id();
        Execution execution = new Execution(
                sandbox,
                live,
                kept.process(),
                Optional.of(kept),
                new LogObserver(name, log, records.keeper(record, kept), new Unheard(), true),
                timer);
        LOG.info("{}: adopted", name);
        Thread.ofVirtual().name("exec-" + name).start(() -> execution.adopt(connection));
    }

    /** It was started, though the agent may have died before it could say so. */
    private static void noteStart(ProcessLog log, String id) throws InterruptedException {
        if (!log.isStarted()) {
            log.append(ProcessEvent.newBuilder()
                    .setStarted(ProcessStarted.newBuilder().setProcessId(id))
                    .build());
        }
    }

    private void checkSame(SandboxId id, GuestHello hello) throws SandboxException {
        if (!hello.configured() || !hello.processIds().contains(Run.PROCESS_ID)) {
            throw new SandboxException(SandboxException.Code.LOST, "its process was not started before the agent died");
        }
        String known = note(id).map(RuntimeDirectories.Note::bootId).orElse("");
        if (!known.equals(hello.bootId())) {
            throw new SandboxException(
                    SandboxException.Code.LOST,
                    "the guest is another than the one noted: boot id " + hello.bootId() + ", expected " + known);
        }
    }

    private Optional<RuntimeDirectories.Note> note(SandboxId id) {
        try {
            return directories.note(id);
        } catch (IOException e) {
            LOG.warn("{}: reading its note: {}", id, e.toString());
            return Optional.empty();
        }
    }
}
