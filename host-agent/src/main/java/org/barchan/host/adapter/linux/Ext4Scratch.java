package org.barchan.host.adapter.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.barchan.host.port.ScratchFiles;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Scratch files below the agent's state directory, by mke2fs(8). */
public final class Ext4Scratch implements ScratchFiles {
    private static final Logger LOG = LoggerFactory.getLogger(Ext4Scratch.class);
    private static final int DEADLINE_SECONDS = 30;
    private static final List<Path> MAKERS = List.of(Path.of("/usr/sbin/mke2fs"), Path.of("/sbin/mke2fs"));

    private final Path directory;

    /** @param stateDirectory where the directory {@code scratch} is made when needed */
    public Ext4Scratch(Path stateDirectory) {
        this.directory = stateDirectory.toAbsolutePath().resolve("scratch");
    }

    @Override
    public Scratch make(List<Long> sizes, HostUser owner) throws SandboxException {
        Made files = new Made(new ArrayList<>());
        boolean made = false;
        try {
            if (!sizes.isEmpty()) {
                // The files are its users' own; to open one takes to know its name.
                Files.createDirectories(
                        directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx--x--x")));
                Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
            }
            for (long size : sizes) {
                Path file = directory.resolve(UUID.randomUUID() + ".ext4");
                files.files().add(file);
                make(file, size, owner);
            }
            made = true;
            return files;
        } catch (IOException e) {
            String reason = String.valueOf(e.getMessage());
            throw new SandboxException(
                    reason.contains("No space left")
                            ? SandboxException.Code.EXHAUSTED
                            : SandboxException.Code.PRECONDITION,
                    "making a temporary file for an overlay in " + directory + ": " + reason
                            + ". Or keep it in the guest's memory, with the mode overlay",
                    e);
        } finally {
            if (!made) {
                files.close();
            }
        }
    }

    private static void make(Path file, long size, HostUser owner) throws IOException {
        try (FileChannel channel = FileChannel.open(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            channel.write(ByteBuffer.allocate(1), size - 1);
        }
        Path maker = MAKERS.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new IOException("mke2fs is missing: install it: apt-get install e2fsprogs"));
        // Nothing is played back after a crash: the file is gone then.
        Process process = new ProcessBuilder(
                        maker.toString(),
                        "-q",
                        "-F",
                        "-t",
                        "ext4",
                        "-m",
                        "0",
                        "-O",
                        "^has_journal,^resize_inode",
                        "-E",
                        // Nor is what no file needs ever written.
                        "assume_storage_prezeroed=1,nodiscard,root_owner=0:0",
                        file.toString())
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile())
                .start();
        try {
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("mke2fs has not ended after " + DEADLINE_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                throw new IOException("mke2fs: " + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroyForcibly();
        }
        if (((Integer) Files.getAttribute(file, "unix:uid")).intValue() != owner.uid()) {
            Files.setAttribute(file, "unix:uid", owner.uid());
            Files.setAttribute(file, "unix:gid", owner.gid());
        }
    }

    @Override
    public void removeAbandoned() throws SandboxException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (Stream<Path> left = Files.list(directory)) {
            for (Path file : left.sorted(Comparator.naturalOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    "removing the temporary files of former sandboxes in " + directory + ": " + e.getMessage(),
                    e);
        }
    }

    private record Made(List<Path> files) implements Scratch {
        @Override
        public void close() {
            for (Path file : files) {
                try {
                    Files.deleteIfExists(file);
                } catch (IOException e) {
                    LOG.warn("removing {}: {}; the next agent does it", file, e.toString());
                }
            }
        }
    }
}
