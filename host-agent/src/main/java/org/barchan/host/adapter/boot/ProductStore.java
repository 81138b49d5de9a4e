package org.barchan.host.adapter.boot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;

/**
 * Files that are made once from known input. Each has a seal beside it, with its digest and its stamp; the seal's modification
 * time is that of the last use. Safe for use by many threads; agents that share the directory may make the same file twice, and
 * each sees a whole one.
 */
final class ProductStore {
    private static final String SEAL = ".seal";
    private static final int KEPT_OF_EACH_KIND = 4;
    private static final int KEY_LENGTH = 32;
    private static final Duration IN_USE = Duration.ofHours(1);

    /** Well below {@link #IN_USE}, and rare enough not to be felt. */
    private static final Duration USE_RECORDED = Duration.ofMinutes(1);

    private static final Duration MAKING_DEADLINE = Duration.ofMinutes(3);

    private final Path directory;
    private final Map<String, ReentrantLock> making = new ConcurrentHashMap<>();

    /** A file that is there, with the digest of its content. */
    record Product(Path path, String digest) {}

    ProductStore(Path directory) {
        this.directory = directory;
    }

    /** Removes what agents that were killed had begun to make. */
    void removeAbandoned() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(DurableFile::isAbandoned).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException e) {
            // Nothing was ever made.
        }
    }

    /**
     * Returns a product, made if need be.
     *
     * @param kind of which at least the last few used are kept
     * @param label for people who look into the directory
     * @param key the digest of all that the content depends on
     */
    Product get(String kind, String label, String key, DurableFile.Content<SandboxException> maker)
            throws IOException, SandboxException {
        String name = kind + "-" + label + "-" + key.substring(0, KEY_LENGTH);
        Optional<Product> found = find(name);
        if (found.isPresent()) {
            return found.get();
        }
        ReentrantLock lock = making.computeIfAbsent(name, _ -> new ReentrantLock());
        acquire(lock, name);
        try {
            found = find(name);
            return found.isPresent() ? found.get() : make(kind, name, maker);
        } finally {
            lock.unlock();
        }
    }

    private Product make(String kind, String name, DurableFile.Content<SandboxException> maker)
            throws IOException, SandboxException {
        Path path = directory.resolve(name);
        DurableFile.write(path, maker);
        Product product = new Product(path, Sha256.ofFile(path));
        seal(product);
        removeUnused(kind);
        return product;
    }

    private Optional<Product> find(String name) throws IOException {
        Path path = directory.resolve(name);
        Path seal = seal(path);
        try {
            // First of all: from here on nobody removes it.
            recordUse(seal);
            Optional<String> text = DurableFile.readSealed(seal);
            if (text.isEmpty()) {
                return Optional.empty();
            }
            String[] fields = text.get().split(" ", 2);
            Product product = new Product(path, fields[0]);
            if (fields.length == 2 && FileStamp.of(path).equals(FileStamp.parse(fields[1]))) {
                return Optional.of(product);
            }
            // Touched, copied or damaged: its content tells which.
            if (!Sha256.ofFile(path).equals(product.digest())) {
                return Optional.empty();
            }
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-r--r--"));
            seal(product);
            return Optional.of(product);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private void seal(Product product) throws IOException {
        DurableFile.writeSealed(
                seal(product.path()),
                product.digest() + " " + FileStamp.of(product.path()).toText());
    }

    private static Path seal(Path product) {
        return product.resolveSibling(product.getFileName() + SEAL);
    }

    private static void recordUse(Path seal) throws IOException {
        if (unusedFor(seal, USE_RECORDED)) {
            Files.setLastModifiedTime(seal, FileTime.from(Instant.now()));
        }
    }

    private static boolean unusedFor(Path seal, Duration time) throws IOException {
        return Files.getLastModifiedTime(seal)
                .toInstant()
                .isBefore(Instant.now().minus(time));
    }

    private void removeUnused(String kind) throws IOException {
        List<Map.Entry<FileTime, Path>> seals = new ArrayList<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.startsWith(kind + "-") && name.endsWith(SEAL)) {
                    seals.add(Map.entry(Files.getLastModifiedTime(file), file));
                }
            }
        } catch (NoSuchFileException e) {
            // Another agent removes as well: what is left over will be gone after the next product.
            return;
        }
        seals.sort(Map.Entry.<FileTime, Path>comparingByKey().reversed());
        for (Map.Entry<FileTime, Path> unused :
                seals.subList(Math.min(KEPT_OF_EACH_KIND, seals.size()), seals.size())) {
            Path seal = unused.getValue();
            // Looked at again, right before: somebody may have used it since.
            if (Files.exists(seal) && unusedFor(seal, IN_USE)) {
                Files.deleteIfExists(seal);
                String name = seal.getFileName().toString();
                Files.deleteIfExists(seal.resolveSibling(name.substring(0, name.length() - SEAL.length())));
            }
        }
    }

    private static void acquire(ReentrantLock lock, String name) throws SandboxException {
        try {
            if (lock.tryLock(MAKING_DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SandboxException(Code.UNAVAILABLE, "interrupted while waiting for " + name + " to be made", e);
        }
        throw new SandboxException(
                Code.TIMEOUT,
                "waited " + MAKING_DEADLINE.toSeconds() + " s for " + name
                        + " to be made by another request; look whether the disk is slow or full");
    }
}
