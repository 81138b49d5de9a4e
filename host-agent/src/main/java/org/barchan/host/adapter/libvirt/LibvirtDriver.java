package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.port.MachineUsage;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.libvirt.Connect;
import org.libvirt.Domain;
import org.libvirt.DomainInfo;
import org.libvirt.Error.ErrorNumber;
import org.libvirt.LibvirtException;
import org.libvirt.MemoryStatistic;
import org.libvirt.event.DomainEvent;
import org.libvirt.event.DomainEventType;
import org.libvirt.event.LifecycleListener;
import org.libvirt.event.StoppedDetail;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Machines on libvirt's QEMU driver, by default the one inside this very process ({@code qemu:///embed}), whose machines outlive it.
 *
 * <p>Libvirt itself makes the sockets of a machine, before QEMU starts, in the runtime directory that its caller has made. They
 * belong to the user that libvirt runs as, which for the embedded driver is the agent's own: the agent can connect, and QEMU, which
 * gets them as open descriptors, needs no right to them. Libvirt leaves them behind: they go with the runtime directory.
 */
public final class LibvirtDriver implements HypervisorDriver {
    private static final Logger LOG = LoggerFactory.getLogger(LibvirtDriver.class);
    private static final int ACTIVE = Connect.ConnectListAllDomainsFlags.CONNECT_LIST_DOMAINS_ACTIVE;
    /** The first start of all asks QEMU what it can do, which takes long on a busy host. */
    private static final Duration START_DEADLINE = Duration.ofMinutes(3);

    /** What is sent comes from memory, most often. */
    private static final Duration RESTORE_DEADLINE = Duration.ofSeconds(30);

    private static final long GONE_DEADLINE_SECONDS = 30;
    /** Who looks at many machines waits for the slowest answer. */
    private static final Duration USAGE_DEADLINE = Duration.ofSeconds(3);

    /** As many kinds as libvirt has, and more; and what a machine has in the host's memory, in KiB. */
    private static final int MEMORY_STATISTICS = 16;

    private static final int RESIDENT = 7;
    /** How long libvirt may take to notice that a QEMU was killed. */
    private static final long NOTICE_SECONDS = 10;

    private final Hypervisor hypervisor;
    private final LibvirtConnection connection;
    private final LifecycleListener listener = this::onLifecycle;
    /** The machines that run, and those about to. */
    private final Map<UUID, LibvirtMachine> machines = new ConcurrentHashMap<>();

    private LibvirtDriver(Hypervisor hypervisor) {
        this.hypervisor = hypervisor;
        this.connection = new LibvirtConnection(hypervisor, this::watch, () -> !machines.isEmpty());
    }

    /**
     * Opens a connection to libvirt.
     *
     * @param uri {@code qemu:///embed}, {@code qemu:///system} or {@code qemu:///session}
     * @param stateDirectory where the embedded driver has its directory, {@code libvirt}
     * @throws SandboxException {@code INVALID} for any other URI, {@code PRECONDITION} when libvirt, its QEMU driver or its daemon
     *     is missing, or another process uses the state directory, {@code SILENT} when libvirt does not answer
     */
    public static LibvirtDriver open(String uri, Path stateDirectory) throws SandboxException {
        Hypervisor hypervisor = Hypervisor.of(uri, stateDirectory);
        EventLoop.ensureRunning();
        LibvirtDriver driver = new LibvirtDriver(hypervisor);
        String action = "opening " + hypervisor.uri();
        boolean opened = false;
        try {
            opened = driver.connection.ask(action, Connect::isAlive);
            return driver;
        } catch (LibvirtException e) {
            throw LibvirtErrors.translate(action, e, Optional.empty());
        } finally {
            if (!opened) {
                driver.close();
            }
        }
    }

    /** Has the ends of machines told from now on, and looks for those that nobody was told. */
    private void watch(Connect connect) throws LibvirtException {
        connect.addLifecycleListener(listener);
        for (LibvirtMachine machine : machines.values()) {
            if (!isActive(connect, machine)) {
                onStopped(machine.uuid(), StoppedDetail.UNKNOWN);
            } else if (machine.isDestroying()) {
                destroyDomain(connect, machine);
            }
        }
    }

    @Override
    public Machine start(MachineSpec spec) throws SandboxException {
        Optional<Path> directory = spec.saved().isEmpty()
                ? Optional.empty()
                : Optional.of(hypervisor.incomingDirectory(
                        DomainXml.domainName(spec.record().id()), spec.runAs()));
        boolean started = false;
        try {
            Machine machine = start(spec, directory);
            started = true;
            return machine;
        } finally {
            if (!started) {
                directory.ifPresent(Hypervisor::removeIncoming);
            }
        }
    }

    private Machine start(MachineSpec spec, Optional<Path> directory) throws SandboxException {
        UUID uuid = UUID.randomUUID();
        Optional<Path> socket = directory.map(LibvirtDriver::incomingSocket);
        DomainXml description = new DomainXml(uuid, spec, hypervisor.qemuUser(spec.runAs()), socket);
        String xml;
        List<String> devices;
        try {
            xml = description.text();
            devices = description.devicesPluggedLater();
        } catch (IllegalArgumentException e) {
            throw new SandboxException(Code.INVALID, String.valueOf(e.getMessage()), e);
        }
        Optional<Incoming> incoming = Optional.empty();
        if (directory.isPresent()) {
            SavedMachine saved = savedMachine(spec.saved().orElseThrow());
            MemoryFill memory = MemoryFill.begin(
                    saved,
                    directory.get(),
                    incomingSocket(directory.get()),
                    () -> hypervisor.memoryOf(DomainXml.domainName(spec.record().id()), uuid));
            incoming = Optional.of(new Incoming(saved, memory, directory.get(), devices));
        }
        int flags = incoming.isPresent() ? Domain.CreateFlags.PAUSED : Domain.CreateFlags.NONE;
        LibvirtMachine machine = machineOf(uuid, spec.record(), incoming);
        try {
            Domain domain = connection.ask(
                    "starting machine " + spec.record().id(),
                    START_DEADLINE,
                    connect -> {
                        // Before the domain is there, so that no event about it comes too early.
                        machines.put(uuid, machine);
                        return connect.domainCreateXML(xml, flags);
                    },
                    Domain::destroy);
            domain.free();
            return machine;
        } catch (LibvirtException e) {
            throw startFailure(machine, e);
        } catch (SandboxException e) {
            // Should it run after all, it is destroyed as soon as libvirt says so.
            machines.remove(uuid);
            throw e;
        }
    }

    /**
     * What a machine goes on from.
     *
     * @param directory of the socket at which QEMU waits for it
     * @param devices to be plugged in then
     */
    record Incoming(SavedMachine saved, MemoryFill memory, Path directory, List<String> devices) {}

    private static Path incomingSocket(Path directory) {
        return directory.resolve("s");
    }

    private static SavedMachine savedMachine(Path file) throws SandboxException {
        try {
            return SavedMachine.open(file);
        } catch (IOException e) {
            throw new SandboxException(Code.LOST, "reading " + file + ": " + e.getMessage(), e);
        }
    }

    /** Has a machine take over what another was saved to, and lets it run once all of that is known to be whole. */
    void restore(LibvirtMachine machine, Incoming incoming) throws SandboxException {
        String action = "restoring machine " + machine.record().id() + " from "
                + incoming.saved().file();
        try {
            incoming.saved()
                    .sendTo(
                            incomingSocket(incoming.directory()),
                            incoming.memory().await(),
                            RESTORE_DEADLINE);
            var _ = connection.ask(action, connect -> {
                Domain domain = connect.domainLookupByUUID(machine.uuid());
                try {
                    // The guest, which is told when to look for devices, has other things to do first.
                    domain.resume();
                    for (String device : incoming.devices()) {
                        domain.attachDevice(device);
                    }
                } finally {
                    domain.free();
                }
                return true;
            });
        } catch (IOException e) {
            throw new SandboxException(Code.LOST, action + " failed: " + e.getMessage() + "\n" + machine.log(), e);
        } catch (LibvirtException e) {
            throw LibvirtErrors.translate(action, e, Optional.of(machine.log()));
        } finally {
            Hypervisor.removeIncoming(incoming.directory());
        }
    }

    /** Saves a machine, which ends it. */
    void save(LibvirtMachine machine, Path file) throws SandboxException {
        String action = "saving machine " + machine.record().id();
        try {
            var _ = connection.ask(action, connect -> {
                Domain domain = connect.domainLookupByUUID(machine.uuid());
                try {
                    domain.save(file.toString());
                } finally {
                    domain.free();
                }
                return true;
            });
            SavedMachine.seal(file);
        } catch (LibvirtException e) {
            throw LibvirtErrors.translate(action, e, Optional.empty());
        } catch (IOException e) {
            throw new SandboxException(Code.EXHAUSTED, action + " to " + file + " failed: " + e.getMessage(), e);
        }
    }

    private SandboxException startFailure(LibvirtMachine machine, LibvirtException e) throws SandboxException {
        String action = "starting machine " + machine.record().id();
        machine.abandon();
        try {
            // A daemon that ended meanwhile may have started it.
            var _ = connection.ask(action, connect -> destroyDomain(connect, machine));
            machines.remove(machine.uuid());
        } catch (LibvirtException | SandboxException unknown) {
            LOG.error("{} failed; should it run, it is destroyed when libvirt answers again", action, unknown);
        }
        if (isTaken(machine)) {
            return new SandboxException(Code.ALREADY_EXISTS, action + " failed: a machine of that id runs already", e);
        }
        Optional<String> log = machine.discardLog();
        if (!Hypervisor.hasQemu()) {
            return new SandboxException(
                    Code.PRECONDITION,
                    action + " failed: QEMU is missing: install it: apt-get install qemu-system-x86",
                    e);
        }
        return LibvirtErrors.translate(action, e, log);
    }

    /** Whether the domain's name belongs to another machine. */
    private boolean isTaken(LibvirtMachine machine) throws SandboxException {
        try {
            Domain domain = connection.ask(
                    "looking for domain " + machine.domainName(),
                    connect -> connect.domainLookupByName(machine.domainName()));
            try {
                return !domain.getUUIDString().equals(machine.uuid().toString());
            } finally {
                domain.free();
            }
        } catch (LibvirtException e) {
            return false;
        }
    }

    @Override
    public List<Machine> running() throws SandboxException {
        // In this order: a log that is there already, of a machine that is not known below, is of one that is gone.
        List<Path> logs = hypervisor.logs();
        String action = "listing the machines of " + hypervisor.uri();
        try {
            connection.ask(action, connect -> {
                for (Domain domain : connect.listAllDomains(ACTIVE)) {
                    try {
                        adopt(domain);
                    } finally {
                        domain.free();
                    }
                }
                return true;
            });
        } catch (LibvirtException e) {
            throw LibvirtErrors.translate(action, e, Optional.empty());
        }
        removeOrphans(logs);
        removeIncoming(
                directory -> machines.values().stream().noneMatch(machine -> directory.endsWith(machine.domainName())));
        return List.copyOf(machines.values());
    }

    private void adopt(Domain domain) throws LibvirtException {
        UUID uuid = UUID.fromString(domain.getUUIDString());
        if (machines.containsKey(uuid)) {
            return;
        }
        Optional<String> metadata = metadataOf(domain);
        if (metadata.isEmpty()) {
            return;
        }
        MachineRecord record;
        try {
            record = DomainMetadata.read(metadata.get());
        } catch (IllegalArgumentException e) {
            onDamaged(domain, e);
            return;
        }
        LibvirtMachine machine = machineOf(uuid, record, Optional.empty());
        machines.put(uuid, machine);
        // It may have stopped since it was listed, which nobody was told.
        if (!isActive(domain)) {
            onStopped(uuid, StoppedDetail.UNKNOWN);
        }
    }

    private void onDamaged(Domain domain, IllegalArgumentException damage) throws LibvirtException {
        if (hypervisor.isRemote()) {
            // It may be another agent's: a daemon is shared.
            LOG.warn("domain {} is left alone: its record is damaged: {}", domain.getName(), damage.getMessage());
            return;
        }
        LOG.error("domain {} is destroyed: its record is damaged: {}", domain.getName(), damage.getMessage());
        try {
            domain.destroy();
        } catch (LibvirtException e) {
            LOG.error("domain {} cannot be destroyed", domain.getName(), e);
        }
    }

    private static Optional<String> metadataOf(Domain domain) throws LibvirtException {
        try {
            return Optional.of(domain.getMetadata(Domain.MetadataType.ELEMENT, DomainMetadata.NAMESPACE, 0));
        } catch (LibvirtException e) {
            if (e.getError().getCode() == ErrorNumber.VIR_ERR_NO_DOMAIN_METADATA || LibvirtErrors.saysGone(e)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static boolean isActive(Connect connect, LibvirtMachine machine) throws LibvirtException {
        try {
            Domain domain = connect.domainLookupByUUID(machine.uuid());
            try {
                return isActive(domain);
            } finally {
                domain.free();
            }
        } catch (LibvirtException e) {
            if (LibvirtErrors.saysGone(e)) {
                return false;
            }
            throw e;
        }
    }

    private static boolean isActive(Domain domain) throws LibvirtException {
        try {
            return domain.isActive() == 1;
        } catch (LibvirtException e) {
            if (LibvirtErrors.saysGone(e)) {
                return false;
            }
            throw e;
        }
    }

    private void removeOrphans(List<Path> logs) {
        Set<String> live =
                machines.values().stream().map(LibvirtMachine::domainName).collect(Collectors.toSet());
        for (Path log : logs) {
            String domain = log.getFileName().toString().replaceFirst("\\.log$", "");
            if (!live.contains(domain)) {
                new QemuLog(log).delete();
            }
        }
    }

    void pause(LibvirtMachine machine) throws SandboxException {
        var _ = onDomain("pausing", machine, domain -> {
            if (!isPaused(domain)) {
                domain.suspend();
            }
            return true;
        });
    }

    void resume(LibvirtMachine machine) throws SandboxException {
        var _ = onDomain("resuming", machine, domain -> {
            if (isPaused(domain)) {
                domain.resume();
            }
            return true;
        });
    }

    boolean isPaused(LibvirtMachine machine) throws SandboxException {
        return onDomain("looking at", machine, LibvirtDriver::isPaused);
    }

    private static boolean isPaused(Domain domain) throws LibvirtException {
        return domain.getInfo().state == DomainInfo.DomainState.VIR_DOMAIN_PAUSED;
    }

    MachineUsage usage(LibvirtMachine machine) throws SandboxException {
        Optional<MachineUsage> usage = hypervisor.usageOf(machine.domainName(), machine.uuid());
        return usage.isPresent()
                ? usage.get()
                : onDomain("asking what it takes of", machine, USAGE_DEADLINE, LibvirtDriver::usage);
    }

    private static MachineUsage usage(Domain domain) throws LibvirtException {
        Duration cpu = Duration.ofNanos(domain.getInfo().cpuTime);
        for (MemoryStatistic statistic : domain.memoryStats(MEMORY_STATISTICS)) {
            if (statistic.getTag() == RESIDENT) {
                return new MachineUsage(cpu, statistic.getValue() << 10);
            }
        }
        return new MachineUsage(cpu, 0);
    }

    @FunctionalInterface
    private interface DomainQuery<T> {
        T ask(Domain domain) throws LibvirtException;
    }

    private <T> T onDomain(String action, LibvirtMachine machine, DomainQuery<T> query) throws SandboxException {
        return onDomain(action, machine, LibvirtConnection.DEADLINE, query);
    }

    private <T> T onDomain(String action, LibvirtMachine machine, Duration within, DomainQuery<T> query)
            throws SandboxException {
        String what = action + " machine " + machine.record().id();
        LibvirtConnection.Query<T> onDomain = connect -> {
            Domain domain = connect.domainLookupByUUID(machine.uuid());
            try {
                return query.ask(domain);
            } finally {
                domain.free();
            }
        };
        try {
            return connection.ask(what, within, onDomain, _ -> {});
        } catch (LibvirtException e) {
            throw LibvirtErrors.translate(what, e, Optional.empty());
        }
    }

    /** Ends a machine, and returns when its QEMU is gone and its end is told. */
    void destroy(LibvirtMachine machine) throws SandboxException {
        if (hypervisor.killQemu(machine.domainName(), machine.uuid())) {
            // Libvirt sees it by itself. It is not asked: it lets nobody touch a domain whose start was interrupted.
            awaitEnd(machine, NOTICE_SECONDS);
            return;
        }
        String action = "destroying machine " + machine.record().id();
        try {
            var _ = connection.ask(action, connect -> destroyDomain(connect, machine));
        } catch (LibvirtException e) {
            throw LibvirtErrors.translate(action, e, Optional.empty());
        }
        awaitEnd(machine, GONE_DEADLINE_SECONDS);
    }

    /** Waits until libvirt tells the end of a machine that is gone. */
    private void awaitEnd(LibvirtMachine machine, long seconds) {
        try {
            machine.end().get(seconds, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            LOG.error(
                    "libvirt does not say that machine {} is gone",
                    machine.record().id());
            onStopped(machine.uuid(), StoppedDetail.DESTROYED);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException("an end never fails", e);
        }
    }

    /** Returns whether it was there. */
    private static boolean destroyDomain(Connect connect, LibvirtMachine machine) throws LibvirtException {
        try {
            Domain domain = connect.domainLookupByUUID(machine.uuid());
            try {
                domain.destroy();
            } finally {
                domain.free();
            }
            return true;
        } catch (LibvirtException e) {
            if (LibvirtErrors.saysGone(e)) {
                return false;
            }
            throw e;
        }
    }

    /** Runs on the event thread: no call into libvirt but those that ask the object itself. */
    private int onLifecycle(Domain domain, DomainEvent event) {
        if (event.getType() == DomainEventType.STOPPED) {
            try {
                StoppedDetail detail = event.getDetail();
                onStopped(UUID.fromString(domain.getUUIDString()), detail);
            } catch (LibvirtException e) {
                LOG.error("libvirt says that a domain has stopped, but not which", e);
            }
        }
        return 0;
    }

    private void onStopped(UUID uuid, StoppedDetail detail) {
        LibvirtMachine machine = machines.remove(uuid);
        if (machine != null) {
            // Of one that another agent began to restore, nobody else does it.
            removeIncoming(directory -> directory.endsWith(machine.domainName()));
            machine.stopped(detail);
        }
    }

    private void removeIncoming(Predicate<Path> which) {
        hypervisor.incomingDirectories().stream().filter(which).forEach(Hypervisor::removeIncoming);
    }

    @Override
    public String version() throws SandboxException {
        String action = "asking libvirt for its version";
        try {
            long version = connection.ask(action, Connect::getLibVersion);
            return version / 1_000_000 + "." + version / 1000 % 1000 + "." + version % 1000;
        } catch (LibvirtException e) {
            throw LibvirtErrors.translate(action, e, Optional.empty());
        }
    }

    @Override
    public void close() {
        connection.close();
    }

    private LibvirtMachine machineOf(UUID uuid, MachineRecord record, Optional<Incoming> incoming) {
        return new LibvirtMachine(this, uuid, record, incoming, hypervisor.log(DomainXml.domainName(record.id())));
    }
}
