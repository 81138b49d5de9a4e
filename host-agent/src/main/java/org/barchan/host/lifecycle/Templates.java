package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.barchan.host.port.Host;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Guests that were booted up to their first answer and saved, for sandboxes to go on from: one file for each kind of machine, of whatever
 * shares and disks, since those come later. A template holds nothing of a sandbox. Any that is not as it should be is dropped, and
 * made anew. Safe for use by many threads, and by agents that share the directory.
 */
final class Templates {
    private static final Logger LOG = LoggerFactory.getLogger(Templates.class);
    /** Changes with what a machine consists of besides what is in the key. */
    private static final String LAYOUT = "2";

    /** And the number of the process that makes it, one at a time. */
    private static final String DRAFT = ".draft-";

    private static final int KEPT = 4;
    /** Looking through a guest's memory takes time, and more of it is seldom asked for. */
    private static final long MOST_KIBIBYTES = 4L << 20;

    /** The sandbox that would have liked one comes first. */
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private final boolean enabled;
    private final Path directory;
    private final GuestBoot boot;
    private final Host host;
    private final Timer timer;
    private final Set<Path> ordered = ConcurrentHashMap.newKeySet();
    private final Set<Making> running = ConcurrentHashMap.newKeySet();
    private final Semaphore turn = new Semaphore(1, true);
    private volatile boolean stopped;

    /** @param enabled whether there are any */
    Templates(boolean enabled, Path directory, GuestBoot boot, Host host, Timer timer) {
        this.enabled = enabled;
        this.directory = directory;
        this.boot = boot;
        this.host = host;
        this.timer = timer;
    }

    /** Returns one for a guest; where there is none, and could be, one is made for those that come later. */
    Optional<Path> find(GuestBoot.Plan plan, HypervisorDriver driver) throws SandboxException {
        // Only the driver in this process runs on this very host's files, and debugging is about the boot.
        if (!enabled
                || plan.debug()
                || !plan.uri().equals(Hypervisors.DEFAULT_URI)
                || plan.memory().kibibytes() > MOST_KIBIBYTES) {
            return Optional.empty();
        }
        Path file = directory.resolve(key(plan, driver));
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
            return Optional.of(file);
        } catch (IOException e) {
            order(file, plan, driver);
            return Optional.empty();
        }
    }

    private void order(Path file, GuestBoot.Plan plan, HypervisorDriver driver) {
        if (ordered.add(file)) {
            var _ = timer.after(
                    PAUSE, () -> Thread.ofVirtual().name("template").start(() -> make(file, plan.template(), driver)));
        }
    }

    /** Removes one that is no good, and has another made. */
    void drop(Path file, GuestBoot.Plan plan, HypervisorDriver driver) {
        try {
            Files.deleteIfExists(file);
            order(file, plan, driver);
        } catch (IOException e) {
            LOG.warn("removing the template {}: {}", file, e.toString());
        }
    }

    /** What must be the same for a guest to go on: all but its shares and disks. */
    private String key(GuestBoot.Plan plan, HypervisorDriver driver) throws SandboxException {
        Host.Emulator emulator = host.emulator();
        return Fingerprint.of(
                LAYOUT,
                // Whoever is its QEMU's user could have changed the guest that is saved.
                plan.runAs().uid() + ":" + plan.runAs().gid(),
                plan.files().digest(),
                plan.commandLine(),
                Long.toString(plan.memory().kibibytes()),
                Integer.toString(plan.vcpus()),
                plan.accelerator().toString(),
                // Under KVM the guest has seen the host's own processor.
                plan.accelerator() == Accelerator.KVM ? host.bootId() : "",
                driver.version(),
                emulator.binary().toString(),
                emulator.version(),
                emulator.modified().toString());
    }

    private void make(Path file, GuestBoot.Plan plan, HypervisorDriver driver) {
        Making making = new Making(new StopSignal(), new StopSignal(), new CompletableFuture<>());
        running.add(making);
        if (stopped) {
            making.stop();
        }
        Undo undo = new Undo(plan.id().value());
        // Not what it will be called: an agent that is killed leaves it behind.
        Path draft = directory.resolve(DRAFT + ProcessHandle.current().pid());
        try {
            making.signal().arm();
            turn.acquire();
            undo.push("let the next be made", turn::release);
            undo.push("remove the draft", () -> Files.deleteIfExists(draft));
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            long start = timer.nanoTime();
            LiveGuest live = boot.boot(plan, driver, making.signal(), undo);
            live.guest().zeroFreeMemory();
            making.signal().disarm();
            live.release();
            live.machine().save(draft);
            making.trial().arm();
            boot.tryOut(plan, draft, driver, making.trial(), undo);
            making.trial().disarm();
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
            LOG.info("template {} made in {} ms", file.getFileName(), (timer.nanoTime() - start) / 1_000_000);
            ordered.remove(file);
            removeUnused();
        } catch (SandboxException | IOException | RuntimeException e) {
            // It is not tried again: whatever is wrong, sandboxes start without.
            LOG.warn("making the template {}: {}", file.getFileName(), Printable.lines(e.toString()));
        } catch (InterruptedException e) {
            LOG.info("the template {} is not made: the agent is stopping", file.getFileName());
        } finally {
            making.signal().disarm();
            making.trial().disarm();
            undo.close(timer, () -> {
                running.remove(making);
                making.over().complete(null);
            });
        }
    }

    private void removeUnused() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, "[0-9a-f]*")) {
            all.forEach(files::add);
        }
        files.sort(Comparator.comparing(Templates::lastUse).reversed());
        for (Path file : files.subList(Math.min(KEPT, files.size()), files.size())) {
            Files.deleteIfExists(file);
        }
    }

    private static FileTime lastUse(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException e) {
            return FileTime.fromMillis(0);
        }
    }

    /** Removes what agents that were killed had begun to make. */
    void removeAbandoned() {
        try (DirectoryStream<Path> drafts = Files.newDirectoryStream(directory, DRAFT + "*")) {
            for (Path draft : drafts) {
                String pid =
                        draft.getFileName().toString().substring(DRAFT.length()).replaceFirst("[^0-9].*", "");
                if (!Files.exists(Path.of("/proc", pid))) {
                    Files.deleteIfExists(draft);
                }
            }
        } catch (NoSuchFileException e) {
            // None was ever made.
        } catch (IOException e) {
            LOG.warn("removing what is left in {}: {}", directory, e.toString());
        }
    }

    /**
     * Ends the making of those that are being made, and of those to come.
     *
     * @return completes when nothing is left of it
     */
    CompletableFuture<Void> stop() {
        stopped = true;
        List<Making> all = List.copyOf(running);
        all.forEach(Making::stop);
        return CompletableFuture.allOf(all.stream().map(Making::over).toArray(CompletableFuture[]::new));
    }

    /**
     * One that is being made.
     *
     * @param signal stops its boot, and is stopped by its machine's end, also when that was saved
     * @param trial stops what comes after that
     */
    private record Making(StopSignal signal, StopSignal trial, CompletableFuture<Void> over) {
        void stop() {
            signal.stop(StopReason.AGENT_STOPPING);
            trial.stop(StopReason.AGENT_STOPPING);
        }
    }
}
