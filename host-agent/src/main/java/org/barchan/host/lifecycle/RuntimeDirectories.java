package org.barchan.host.lifecycle;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;

/**
 * The directories that hold the sockets of sandboxes, and beside each a note of where its machine is and who its guest is. Nothing else knows this layout:
 * {@code ID/} belongs to QEMU's user, {@code ID.note} to the agent, so that a captured QEMU can't send the agent elsewhere.
 */
public final class RuntimeDirectories {
    private static final String NOTE = ".note";

    private final Path parent;
    private final Set<SandboxId> made = ConcurrentHashMap.newKeySet();

    /** @param parent made when it is not there, mode 0700 */
    public RuntimeDirectories(Path parent) {
        this.parent = parent;
    }

    Path of(SandboxId id) {
        return parent.resolve(id.value());
    }

    /** Makes the directory of a sandbox, mode 0700, with a note of its hypervisor. */
    Path create(SandboxId id, HostUser owner, String uri) throws SandboxException {
        Path directory = of(id);
        made.add(id);
        try {
            Files.createDirectories(
                    parent, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            // The note comes first: a machine without a note would never be found again.
            Files.writeString(noteFile(id), uri + "\n");
            Files.createDirectory(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            give(directory, owner);
            return directory;
        } catch (IOException e) {
            remove(id);
            throw new SandboxException(
                    SandboxException.Code.EXHAUSTED,
                    "creating the runtime directory " + directory + ": " + describe(e)
                            + ". Make room or give the agent's user the right to write there",
                    e);
        }
    }

    /** Whether {@link #create} made it, for a sandbox of this very agent, and it is still there. */
    boolean hasMade(SandboxId id) {
        return made.contains(id);
    }

    /** Removes all that {@link #create} made. */
    void remove(SandboxId id) {
        try {
            // Whoever owns the directory may have put anything there: nothing is followed or descended into, only
            // unlinked.
            try (DirectoryStream<Path> files = Files.newDirectoryStream(of(id))) {
                for (Path file : files) {
                    Files.deleteIfExists(file);
                }
            } catch (NoSuchFileException e) {
                // It was never made.
            }
            Files.deleteIfExists(of(id));
            Files.deleteIfExists(noteFile(id));
            made.remove(id);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + of(id), e);
        }
    }

    /** Returns the sandboxes that have something here. */
    List<SandboxId> list() throws IOException {
        List<SandboxId> ids = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(parent)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                try {
                    SandboxId id = new SandboxId(
                            name.endsWith(NOTE) ? name.substring(0, name.length() - NOTE.length()) : name);
                    if (!ids.contains(id)) {
                        ids.add(id);
                    }
                } catch (IllegalArgumentException e) {
                    // Not ours.
                }
            }
        } catch (NoSuchFileException e) {
            return List.of();
        }
        return ids;
    }

    /** Returns what the agent noted of a sandbox; empty when it died before it wrote anything down. */
    Optional<Note> note(SandboxId id) throws IOException {
        try {
            List<String> lines = Files.readAllLines(noteFile(id));
            return lines.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new Note(lines.get(0), lines.size() > 1 ? lines.get(1) : ""));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Notes who the guest is, so that a later agent knows it again. */
    void noteBoot(SandboxId id, String bootId) throws SandboxException {
        try {
            Files.writeString(noteFile(id), bootId + "\n", StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.EXHAUSTED, "writing " + noteFile(id) + ": " + describe(e) + ". Make room", e);
        }
    }

    private Path noteFile(SandboxId id) {
        return parent.resolve(id.value() + NOTE);
    }

    private static void give(Path directory, HostUser owner) throws IOException {
        if (!Files.getAttribute(directory, "unix:uid").equals(owner.uid())) {
            Files.setAttribute(directory, "unix:gid", owner.gid());
            Files.setAttribute(directory, "unix:uid", owner.uid());
        }
    }

    static String describe(IOException e) {
        return e.getClass().getSimpleName() + ": " + e.getMessage();
    }

    /**
     * What the agent noted of a sandbox.
     *
     * @param uri the hypervisor that has its machine
     * @param bootId the guest kernel's boot id; empty until it has answered
     */
    record Note(String uri, String bootId) {}
}
