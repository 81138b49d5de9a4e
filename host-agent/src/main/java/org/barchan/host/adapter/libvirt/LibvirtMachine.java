package org.barchan.host.adapter.libvirt;

import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.MachineUsage;
import org.barchan.host.sandbox.SandboxException;
import org.libvirt.event.StoppedDetail;

/** A domain with a record. */
final class LibvirtMachine implements Machine {
    private final LibvirtDriver driver;
    private final UUID uuid;
    private final MachineRecord record;
    private final Optional<LibvirtDriver.Incoming> incoming;
    private final Optional<QemuLog> log;
    private final CompletableFuture<MachineEnd> ended = new CompletableFuture<>();

    private volatile boolean destroying;
    /** What the log said at the end, when its file goes. */
    private volatile Optional<String> lastLog = Optional.empty();

    LibvirtMachine(
            LibvirtDriver driver,
            UUID uuid,
            MachineRecord record,
            Optional<LibvirtDriver.Incoming> incoming,
            Optional<QemuLog> log) {
        this.driver = driver;
        this.uuid = uuid;
        this.record = record;
        this.incoming = incoming;
        this.log = log;
    }

    @Override
    public MachineRecord record() {
        return record;
    }

    @Override
    public CompletionStage<MachineEnd> ended() {
        return ended.minimalCompletionStage();
    }

    @Override
    public void restore() throws SandboxException {
        driver.restore(this, incoming.orElseThrow());
    }

    @Override
    public void save(Path file) throws SandboxException {
        driver.save(this, file);
    }

    @Override
    public void pause() throws SandboxException {
        driver.pause(this);
    }

    @Override
    public void resume() throws SandboxException {
        driver.resume(this);
    }

    @Override
    public boolean isPaused() throws SandboxException {
        return driver.isPaused(this);
    }

    @Override
    public MachineUsage usage() throws SandboxException {
        return driver.usage(this);
    }

    @Override
    public void destroy() throws SandboxException {
        if (ended.isDone()) {
            return;
        }
        abandon();
        driver.destroy(this);
    }

    @Override
    public String log() {
        return lastLog.or(() -> log.map(QemuLog::tail)).orElse("");
    }

    /** Says that it is to run no more. */
    void abandon() {
        destroying = true;
    }

    boolean isDestroying() {
        return destroying;
    }

    UUID uuid() {
        return uuid;
    }

    String domainName() {
        return DomainXml.domainName(record.id());
    }

    CompletableFuture<MachineEnd> end() {
        return ended;
    }

    /** Takes note that the domain has stopped: keeps the end of the log and removes its file. */
    void stopped(StoppedDetail detail) {
        lastLog = log.map(QemuLog::tail);
        log.ifPresent(QemuLog::delete);
        ended.completeAsync(() -> endOf(detail));
    }

    /** Returns what was logged about a machine that never ran, and removes it. */
    Optional<String> discardLog() {
        Optional<String> tail = log.map(QemuLog::tail);
        log.ifPresent(QemuLog::delete);
        return tail;
    }

    private MachineEnd endOf(StoppedDetail detail) {
        return switch (detail) {
            case SHUTDOWN -> MachineEnd.SHUTDOWN;
            case DESTROYED -> MachineEnd.DESTROYED;
            case CRASHED, MIGRATED, SAVED, FAILED, FROM_SNAPSHOT, UNKNOWN ->
                // A QEMU that was killed on request is seen by libvirt as one that failed.
                destroying ? MachineEnd.DESTROYED : MachineEnd.CRASHED;
        };
    }
}
