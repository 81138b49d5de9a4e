package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.Host;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers whether KVM works, as files of three lines: the host's boot id, {@code works} or {@code fails}, the reason. A file that can't
 * be read or written costs another proof and nothing else.
 */
final class ProofStore {
    private static final Logger LOG = LoggerFactory.getLogger(ProofStore.class);

    private final Path directory;
    private final Host host;

    ProofStore(Path directory, Host host) {
        this.directory = directory;
        this.host = host;
    }

    /** Returns what a proof holds for: this boot of the host, its kernel, this QEMU, these boot files. */
    String key(BootFileSet files) throws SandboxException {
        Host.Emulator emulator = host.emulator();
        return Fingerprint.of(
                host.bootId(),
                host.kernelRelease(),
                emulator.binary().toString(),
                emulator.version(),
                emulator.modified().toString(),
                files.digest());
    }

    Optional<KvmVerdict> read(String key) {
        try {
            List<String> lines = Files.readAllLines(directory.resolve(key));
            if (lines.size() == 3 && lines.get(0).equals(host.bootId())) {
                return switch (lines.get(1)) {
                    case "works" -> Optional.of(new KvmVerdict.Works());
                    case "fails" -> Optional.of(new KvmVerdict.Fails(lines.get(2)));
                    default -> Optional.empty();
                };
            }
            return Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            LOG.warn("reading whether KVM works: {}", e.toString());
            return Optional.empty();
        }
    }

    void write(String key, KvmVerdict verdict) {
        String line = switch (verdict) {
            case KvmVerdict.Works() -> "works\n-";
            case KvmVerdict.Fails(String reason) -> "fails\n" + Printable.line(reason);
        };
        try {
            Files.createDirectories(directory);
            forgetOtherBoots();
            Path fresh = Files.createTempFile(directory, key, ".tmp");
            Files.writeString(fresh, host.bootId() + "\n" + line + "\n");
            Files.move(fresh, directory.resolve(key), StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw new AssertionError("a rename within a directory is atomic", e);
        } catch (IOException e) {
            LOG.warn("writing down whether KVM works: {}", e.toString());
        }
    }

    /** Returns the file to remove for a proof to be made again. */
    Path file(String key) {
        return directory.resolve(key);
    }

    private void forgetOtherBoots() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (!Files.readString(file).startsWith(host.bootId() + "\n")) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }
}
