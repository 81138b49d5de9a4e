package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;

/**
 * The directory that libvirt's embedded QEMU driver keeps everything below: configuration, logs, sockets, caches. One process at a
 * time can use it.
 */
record EmbeddedRoot(Path directory) {
    /** The longest path that libvirt appends: the monitor's socket of the millionth machine since the agent's start, less one. */
    private static final String LONGEST_SOCKET = "/lib/qemu/domain-999999-barchan-b-0123456789/monitor.sock";

    /** Each setting with its reason; the rest is as libvirt has it, QEMU's seccomp filter among it, which is named for certainty. */
    private static final String CONFIGURATION = """
            # Written by barchan-agent at each start; changes are lost.

            # No virtlogd: QEMU writes its log itself.
            stdio_handler = "file"
            # SELinux and AppArmor need profiles that an embedded driver does not have. Users and groups (DAC) are always in force.
            security_driver = "none"
            # Machines say which user they run as. This one is for the QEMUs, without a guest, that are asked what they can do. It is
            # the agent's own, so that they find /dev/kvm exactly as libvirt expects: where they differ, libvirt asks again at every
            # step of every start, which then takes a minute.
            user = "+UID"
            group = "+GID"
            # Libvirt is to change the owner of no file of the host, so it has none to remember.
            dynamic_ownership = 0
            remember_owner = 0
            # Without: QEMU has an ordinary user's access to /dev, and a private /dev costs time at each start and a privilege that
            # containers lack.
            namespaces = []
            # Without: libvirt can't use a host with version 1 and 2 of control groups side by side, and leaves empty ones behind when
            # it is killed.
            cgroup_controllers = []
            seccomp_sandbox = 1
            # A core holds the guest's memory.
            max_core = 0
            """;

    /**
     * Makes the directory ready to be opened.
     *
     * @throws SandboxException {@code INVALID} when its path is too long, {@code PRECONDITION} when it cannot be written
     */
    static EmbeddedRoot prepare(Path directory) throws SandboxException {
        Path root = directory.toAbsolutePath();
        int socketBytes = (root + LONGEST_SOCKET).getBytes(StandardCharsets.UTF_8).length;
        if (socketBytes > DomainXml.MAX_SOCKET_PATH_BYTES) {
            throw new SandboxException(
                    Code.INVALID,
                    "libvirt's directory: " + root + " is " + (socketBytes - DomainXml.MAX_SOCKET_PATH_BYTES)
                            + " bytes too long for the sockets below it: choose a shorter state directory");
        }
        try {
            Files.createDirectories(root.resolve("etc"));
            // QEMU's user has to pass through; it can read nothing here.
            Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx--x--x"));
            Path file = root.resolve("etc/qemu.conf");
            Path draft = root.resolve("etc/qemu.conf.new");
            Path self = Path.of("/proc/self");
            Files.writeString(
                    draft,
                    CONFIGURATION
                            .replace("UID", String.valueOf(Files.getAttribute(self, "unix:uid")))
                            .replace("GID", String.valueOf(Files.getAttribute(self, "unix:gid"))));
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new SandboxException(
                    Code.PRECONDITION, "preparing libvirt's directory " + root + " failed: " + e.getMessage(), e);
        }
        return new EmbeddedRoot(root);
    }

    /**
     * Checks that a user who is not root can reach the directory.
     *
     * @throws SandboxException {@code PRECONDITION} naming the directory that is closed
     */
    void requirePassableByAnyone() throws SandboxException {
        for (Path at = directory; at != null; at = at.getParent()) {
            try {
                Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(at);
                if (!permissions.contains(PosixFilePermission.OTHERS_EXECUTE)) {
                    throw new SandboxException(
                            Code.PRECONDITION,
                            "QEMU, which does not run as root, cannot pass through " + at + ": chmod o+x " + at
                                    + ", or choose another state directory");
                }
            } catch (IOException e) {
                throw new SandboxException(Code.PRECONDITION, "reading the permissions of " + at + " failed: " + e, e);
            }
        }
    }

    /** Returns the URI that opens the driver here. */
    String uri() {
        String root =
                URLEncoder.encode(directory.toString(), StandardCharsets.UTF_8).replace("+", "%20");
        return "qemu:///embed?root=" + root;
    }

    /** Where QEMUs wait for what they go on from, each in a directory of its own. */
    Path incomingDirectory() {
        return directory.resolve("in");
    }

    Path logDirectory() {
        return directory.resolve("log/qemu");
    }

    /** Where libvirt has the status of each machine. */
    Path statusDirectory() {
        return directory.resolve("run/qemu");
    }

    Path pidFile(String domain) {
        return statusDirectory().resolve(domain + ".pid");
    }

    /** Names the process that has the driver open, and is locked by it. */
    Path driverPidFile() {
        return statusDirectory().resolve("driver.pid");
    }

    /** Where libvirt makes directories for QEMUs that it asks what they can do, whose names begin with {@code qmp-}. */
    Path probeDirectory() {
        return directory.resolve("lib/qemu");
    }

    /** Where libvirt makes directories for a machine, whose names begin with {@code domain-} and its number. */
    List<Path> machineDirectories() {
        return List.of(directory.resolve("lib/qemu"), directory.resolve("lib/qemu/channel/target"));
    }
}
