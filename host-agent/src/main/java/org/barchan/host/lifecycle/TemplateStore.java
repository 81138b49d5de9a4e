package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.barchan.host.sandbox.SandboxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of templates: each has its id as its name, and a description beside it, whose modification time is that of the last use: the
 * template itself stays as it is, since who has read it once trusts it until it changes. Safe for use by many threads, and by agents that share
 * the directory.
 */
final class TemplateStore {
    private static final Logger LOG = LoggerFactory.getLogger(TemplateStore.class);
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
    private static final String DESCRIPTION = ".about";
    private static final long MOST_DESCRIPTION_BYTES = 64 << 10;

    /** And the number of the process that makes it, one at a time. */
    private static final String DRAFT = ".draft-";

    private final Path directory;

    TemplateStore(Path directory) {
        this.directory = directory;
    }

    /** Returns the file of a template for a sandbox that is made now; empty if there is none. */
    Optional<Path> use(String id) {
        Path file = directory.resolve(id);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            Files.setLastModifiedTime(noteOfUse(file), FileTime.from(Instant.now()));
        } catch (IOException e) {
            LOG.debug("{} was used, which can't be noted: {}", file, e.toString());
        }
        return Optional.of(file);
    }

    private static Path noteOfUse(Path file) {
        Path description = descriptionOf(file);
        return Files.exists(description) ? description : file;
    }

    /** Returns where to make one that is not called what it will be yet: who is killed leaves it behind. Nothing is there. */
    Path draft() throws IOException {
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        removeDraft();
        return ownDraft();
    }

    void removeDraft() throws IOException {
        Files.deleteIfExists(ownDraft());
        Files.deleteIfExists(descriptionOf(ownDraft()));
    }

    private Path ownDraft() {
        return directory.resolve(DRAFT + ProcessHandle.current().pid());
    }

    private static Path descriptionOf(Path file) {
        return file.resolveSibling(file.getFileName() + DESCRIPTION);
    }

    /** Lets the draft be found. */
    synchronized Template publish(String id, GuestBoot.Plan plan) throws IOException {
        Path draft = ownDraft();
        Path file = directory.resolve(id);
        // One that was not used since has this very time.
        TemplateDescription description =
                TemplateDescription.of(Files.getLastModifiedTime(draft).toInstant(), plan);
        Files.writeString(descriptionOf(draft), description.text());
        Files.setLastModifiedTime(descriptionOf(draft), Files.getLastModifiedTime(draft));
        Files.move(descriptionOf(draft), descriptionOf(file), StandardCopyOption.ATOMIC_MOVE);
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
        return new Template(id, Files.size(file), Optional.empty(), Optional.of(description));
    }

    /** Returns a template; empty if there is none of that id. */
    Optional<Template> find(String id) throws IOException {
        Path file = directory.resolve(id);
        try {
            long bytes = Files.size(file);
            Instant touched = Files.getLastModifiedTime(noteOfUse(file)).toInstant();
            Optional<TemplateDescription> description = description(descriptionOf(file));
            boolean used = description
                    .filter(known -> known.createTime().equals(touched))
                    .isEmpty();
            return Optional.of(new Template(id, bytes, used ? Optional.of(touched) : Optional.empty(), description));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static Optional<TemplateDescription> description(Path file) {
        try {
            if (Files.size(file) > MOST_DESCRIPTION_BYTES) {
                throw new IllegalArgumentException("too long");
            }
            return Optional.of(TemplateDescription.parse(Files.readString(file, StandardCharsets.UTF_8)));
        } catch (IOException | IllegalArgumentException e) {
            // Whatever it is of works all the same.
            LOG.debug("{} can't be read: {}", file, e.toString());
            return Optional.empty();
        }
    }

    /** Returns all of them, the last used first. */
    List<Template> list() throws SandboxException {
        List<Template> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(
                directory, file -> ID.matcher(file.getFileName().toString()).matches())) {
            for (Path file : files) {
                find(file.getFileName().toString()).ifPresent(found::add);
            }
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException | DirectoryIteratorException e) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    "looking for templates in " + directory + ": " + e + ". Give the agent's user the right to read it",
                    e);
        }
        found.sort(Comparator.comparing(Template::touched).reversed());
        return found;
    }

    /** Removes one. A sandbox that has begun to read it reads on. */
    synchronized void remove(String id) throws SandboxException {
        Path file = directory.resolve(id);
        try {
            Files.deleteIfExists(file);
            Files.deleteIfExists(descriptionOf(file));
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    "removing the template " + file + ": " + RuntimeDirectories.describe(e),
                    e);
        }
    }

    /** Removes what agents that were killed had begun to make, or to remove. */
    synchronized void removeAbandoned() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (isAbandoned(file)) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (NoSuchFileException e) {
            // None was ever made.
        } catch (IOException | DirectoryIteratorException e) {
            LOG.warn("removing what is left in {}: {}", directory, e.toString());
        }
    }

    private boolean isAbandoned(Path file) {
        String name = file.getFileName().toString();
        if (name.startsWith(DRAFT)) {
            String pid = name.substring(DRAFT.length()).replaceFirst("[^0-9].*", "");
            return !Files.exists(Path.of("/proc", pid));
        }
        return name.endsWith(DESCRIPTION)
                && !Files.exists(directory.resolve(name.substring(0, name.length() - DESCRIPTION.length())));
    }
}
