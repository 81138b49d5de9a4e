package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.barchan.host.port.MachineUsage;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.LibvirtUri;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which libvirt runs the machines, what it may do, and where it keeps what. */
sealed interface Hypervisor {
    /** Returns its URI for people. */
    String uri();

    /** Returns the URI to connect to. */
    String connectUri();

    /** Sees to it that it can be connected to. May block for seconds. */
    void awaken();

    /** Whether there is a daemon at the other end, which can go away. */
    boolean isRemote();

    /**
     * Returns the user to name in the domain for QEMU to run as; empty where it can be none but libvirt's own.
     *
     * @throws SandboxException {@code PRECONDITION} when QEMU cannot run as that user
     */
    Optional<HostUser> qemuUser(HostUser wanted) throws SandboxException;

    /**
     * Makes a directory in which QEMU can make a socket.
     *
     * @throws SandboxException {@code PRECONDITION} where QEMU can't have one that the agent can reach
     */
    Path incomingDirectory(String domain, HostUser owner) throws SandboxException;

    /** Returns what {@link #incomingDirectory} has made and is there. */
    List<Path> incomingDirectories();

    /** Removes such a directory, whatever QEMU's user has put there: nothing is followed. */
    static void removeIncoming(Path directory) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(directory);
        } catch (NoSuchFileException e) {
            // It is gone.
        } catch (IOException e) {
            Embedded.LOG.warn("{} is left: {}", directory, e.toString());
        }
    }

    /** Returns the log of a domain, where it is ours to read and remove. */
    Optional<QemuLog> log(String domain);

    /** Returns the logs of all of Barchan's domains, running or not. */
    List<Path> logs();

    /** Returns what to do when libvirt does not answer. */
    String silenceRemedy();

    /** Returns the memory that a domain's QEMU has made for its machine, where it is a file that can be reached. */
    Optional<FileChannel> memoryOf(String domain, UUID uuid);

    /** Returns what a domain's QEMU takes of the host, where it can be looked at without libvirt. */
    Optional<MachineUsage> usageOf(String domain, UUID uuid);

    /**
     * Kills a domain's QEMU at once, where that can be done.
     *
     * @return whether it is known that no QEMU of that domain runs
     */
    boolean killQemu(String domain, UUID uuid);

    /**
     * Parses a URI and makes ready what it needs.
     *
     * @throws SandboxException {@code INVALID} if it is none of this host's QEMU driver, {@code PRECONDITION}
     */
    static Hypervisor of(String uri, Path stateDirectory) throws SandboxException {
        LibvirtUri place;
        try {
            place = LibvirtUri.parse(uri);
        } catch (IllegalArgumentException e) {
            throw new SandboxException(Code.INVALID, "libvirt URI: " + Printable.of(String.valueOf(e.getMessage())), e);
        }
        if (!place.driver().equals(LibvirtUri.EMBEDDED)) {
            return daemon(uri, place);
        }
        int uid = ownUid();
        EmbeddedRoot root = EmbeddedRoot.prepare(stateDirectory.resolve("libvirt"));
        new InterruptedStarts(root).remove();
        if (uid == 0) {
            root.requirePassableByAnyone();
        }
        return new Embedded(root, uid);
    }

    private static Daemon daemon(String uri, LibvirtUri place) throws SandboxException {
        int self = ownUid();
        DaemonSocket socket = DaemonSocket.of(place, self, System.getenv());
        if (place.driver().equals(LibvirtUri.SYSTEM)) {
            return new Daemon(uri, place.driver(), socket, 0);
        }
        return new Daemon(
                uri,
                place.driver(),
                socket,
                place.socket().isPresent() ? ownerOf(place.socket().get()) : self);
    }

    /** Whether the search path has a QEMU for this machine's processor, which is how libvirt looks for it. */
    static boolean hasQemu() {
        String path = Optional.ofNullable(System.getenv("PATH")).orElse("/usr/bin:/bin");
        return Stream.of(path.split(":"))
                .filter(directory -> !directory.isEmpty())
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "qemu-system-x86_64")));
    }

    private static int ownUid() throws SandboxException {
        try {
            return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            throw new SandboxException(Code.PRECONDITION, "reading the agent's own uid from /proc failed: " + e, e);
        }
    }

    private static int ownerOf(Path socket) throws SandboxException {
        try {
            return (Integer) Files.getAttribute(socket, "unix:uid");
        } catch (IOException e) {
            throw new SandboxException(
                    Code.PRECONDITION, "libvirt's socket " + socket + ": " + e + ": start libvirt's daemon there", e);
        }
    }

    private static Optional<HostUser> qemuUser(int libvirtUid, HostUser wanted) throws SandboxException {
        if (libvirtUid == 0) {
            return Optional.of(wanted);
        }
        if (wanted.uid() != libvirtUid) {
            throw new SandboxException(
                    Code.PRECONDITION,
                    "QEMU cannot run as user " + wanted.uid() + ": libvirt runs as user " + libvirtUid
                            + ", and only root can start a program as another");
        }
        return Optional.empty();
    }

    /** The driver inside this process. */
    record Embedded(EmbeddedRoot root, int uid) implements Hypervisor {
        private static final Logger LOG = LoggerFactory.getLogger(Hypervisor.class);
        private static final long KILL_SECONDS = 5;
        private static final String MEMORY = "/memfd:memory-backend-memfd (deleted)";

        @Override
        public String uri() {
            return root.uri();
        }

        @Override
        public String connectUri() {
            return root.uri();
        }

        @Override
        public void awaken() {}

        @Override
        public boolean isRemote() {
            return false;
        }

        @Override
        public Optional<HostUser> qemuUser(HostUser wanted) throws SandboxException {
            return Hypervisor.qemuUser(uid, wanted);
        }

        @Override
        public Path incomingDirectory(String domain, HostUser owner) throws SandboxException {
            try {
                Path parent = root.incomingDirectory();
                Files.createDirectories(parent);
                // QEMU's user has to pass through.
                Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwx--x--x"));
                Path directory = Files.createDirectory(
                        parent.resolve(domain),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                if (uid == 0) {
                    Files.setAttribute(directory, "unix:gid", owner.gid());
                    Files.setAttribute(directory, "unix:uid", owner.uid());
                }
                return directory;
            } catch (IOException e) {
                throw new SandboxException(
                        SandboxException.Code.PRECONDITION, "making a directory for QEMU's socket: " + e, e);
            }
        }

        @Override
        public List<Path> incomingDirectories() {
            return list(root.incomingDirectory(), "*");
        }

        @Override
        public Optional<QemuLog> log(String domain) {
            return Optional.of(new QemuLog(root.logDirectory().resolve(domain + ".log")));
        }

        @Override
        public List<Path> logs() {
            return list(root.logDirectory(), DomainXml.PREFIX + "*.log");
        }

        private static List<Path> list(Path directory, String names) {
            List<Path> all = new ArrayList<>();
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, names)) {
                files.forEach(all::add);
            } catch (NoSuchFileException e) {
                // No machine was ever started.
            } catch (IOException e) {
                LOG.warn("{} cannot be listed", directory, e);
            }
            return all;
        }

        /** Libvirt is in the agent itself. */
        @Override
        public String silenceRemedy() {
            return "end the agent, and another is started when it is needed: kill "
                    + ProcessHandle.current().pid();
        }

        @Override
        public Optional<FileChannel> memoryOf(String domain, UUID uuid) {
            try {
                Optional<ProcessHandle> qemu = qemu(domain, uuid);
                if (qemu.isEmpty()) {
                    return Optional.empty();
                }
                Path files = Path.of("/proc", Long.toString(qemu.get().pid()), "fd");
                try (DirectoryStream<Path> all = Files.newDirectoryStream(files)) {
                    for (Path file : all) {
                        if (Files.readSymbolicLink(file).toString().equals(MEMORY)) {
                            return Optional.of(FileChannel.open(file, StandardOpenOption.WRITE));
                        }
                    }
                }
                LOG.warn("QEMU of domain {} has no file {}", domain, MEMORY);
            } catch (IOException | NumberFormatException | DirectoryIteratorException e) {
                LOG.warn("the memory of domain {} is left to QEMU, which takes longer: {}", domain, e.toString());
            }
            return Optional.empty();
        }

        /** Libvirt would wait for whatever else is done with the domain. */
        @Override
        public Optional<MachineUsage> usageOf(String domain, UUID uuid) {
            try {
                Optional<ProcessHandle> qemu = qemu(domain, uuid);
                return qemu.isPresent()
                        ? Optional.of(ProcessUsage.read(qemu.get().pid()))
                        : Optional.empty();
            } catch (IOException | NumberFormatException e) {
                LOG.debug("QEMU of domain {} cannot be looked at: {}", domain, e.toString());
                return Optional.empty();
            }
        }

        /** Libvirt asks QEMU to end and looks again every fifth of a second; this ends it now, and libvirt finds it gone. */
        @Override
        public boolean killQemu(String domain, UUID uuid) {
            try {
                Optional<ProcessHandle> qemu = qemu(domain, uuid);
                if (qemu.isPresent()) {
                    qemu.get().destroyForcibly();
                    qemu.get().onExit().get(KILL_SECONDS, TimeUnit.SECONDS);
                }
                return true;
            } catch (NoSuchFileException e) {
                // It is gone, or not there yet.
            } catch (IOException | NumberFormatException | ExecutionException | TimeoutException e) {
                LOG.warn("QEMU of domain {} cannot be killed: it is left to libvirt", domain, e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return false;
        }

        private Optional<ProcessHandle> qemu(String domain, UUID uuid) throws IOException {
            long pid = Long.parseLong(Files.readString(root.pidFile(domain)).strip());
            // The handle knows when its process began, so that it never means a later one of the same number.
            Optional<ProcessHandle> process = ProcessHandle.of(pid);
            return process.isPresent() && commandLine(pid).contains(uuid.toString()) ? process : Optional.empty();
        }

        private static String commandLine(long pid) throws IOException {
            return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"), StandardCharsets.ISO_8859_1);
        }
    }

    /**
     * A daemon on this host.
     *
     * @param driver {@code system} or {@code session}
     * @param uid the user that it runs as
     */
    record Daemon(String uri, String driver, DaemonSocket socket, int uid) implements Hypervisor {
        @Override
        public String connectUri() {
            return socket.connectUri(driver);
        }

        @Override
        public void awaken() {
            socket.awaken();
        }

        @Override
        public boolean isRemote() {
            return true;
        }

        @Override
        public Optional<HostUser> qemuUser(HostUser wanted) throws SandboxException {
            return Hypervisor.qemuUser(uid, wanted);
        }

        @Override
        public Path incomingDirectory(String domain, HostUser owner) throws SandboxException {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION, "only machines of qemu:///embed can go on from saved ones");
        }

        @Override
        public List<Path> incomingDirectories() {
            return List.of();
        }

        /** The daemon's logs are the administrator's. */
        @Override
        public Optional<QemuLog> log(String domain) {
            return Optional.empty();
        }

        @Override
        public List<Path> logs() {
            return List.of();
        }

        @Override
        public String silenceRemedy() {
            return "start libvirt's daemon again (systemctl restart libvirtd), or use qemu:///embed, which needs none";
        }

        /** Left to the daemon. */
        @Override
        public Optional<FileChannel> memoryOf(String domain, UUID uuid) {
            return Optional.empty();
        }

        @Override
        public Optional<MachineUsage> usageOf(String domain, UUID uuid) {
            return Optional.empty();
        }

        @Override
        public boolean killQemu(String domain, UUID uuid) {
            return false;
        }
    }
}
