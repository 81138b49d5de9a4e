package org.barchan.it;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** Daemons of libvirt's that tests start and end. */
final class Libvirtd {
    private static final Path PROGRAM = Path.of("/usr/sbin/libvirtd");
    /** Where clients of qemu:///system look for it. */
    private static final Path SYSTEM_SOCKET = Path.of("/run/libvirt/libvirt-sock");

    private Libvirtd() {}

    /** Aborts the test with its reason where there is none. */
    static void required() {
        Assumptions.assumeTrue(
                Files.isExecutable(PROGRAM), () -> PROGRAM + " is missing: apt-get install libvirt-daemon");
    }

    /** Whether a daemon of root's listens. */
    static boolean systemListens() {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(SYSTEM_SOCKET));
        } catch (IOException e) {
            return false;
        }
    }

    /** Starts root's daemon and returns when it listens; its logs and process ids are in {@code directory}. */
    static void startSystem(Path directory) throws IOException, InterruptedException {
        // Closed to all but root, on a host that may have nothing else to guard it.
        Path configuration = Files.writeString(
                directory.resolve("libvirtd.conf"),
                "auth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\n"
                        + "unix_sock_rw_perms = \"0700\"\nunix_sock_ro_perms = \"0700\"\n");
        // libvirtd has it keep QEMU's logs, and does not start it itself.
        start(directory, "virtlogd", Path.of("/run/libvirt/virtlogd-sock"), "/usr/sbin/virtlogd");
        start(directory, "libvirtd", SYSTEM_SOCKET, PROGRAM.toString(), "--config", configuration.toString());
    }

    private static void start(Path directory, String name, Path socket, String... command)
            throws IOException, InterruptedException {
        Path sockets = Files.createDirectories(socket.resolve("..").normalize());
        Files.deleteIfExists(socket);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve(name + ".log").toFile());
        try (WatchService watch = sockets.getFileSystem().newWatchService()) {
            sockets.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            Process process = builder.start();
            Files.writeString(directory.resolve(name + ".pid"), Long.toString(process.pid()));
            while (!Files.exists(socket)) {
                WatchKey key = watch.poll(30, TimeUnit.SECONDS);
                if (key == null) {
                    process.destroyForcibly();
                    Assumptions.abort(
                            name + " does not come up here: " + Files.readString(directory.resolve(name + ".log")));
                    return;
                }
                key.reset();
            }
        }
    }

    /** Kills the daemon that a file names, as kill -9 does; its machines run on. Does nothing if there is none. */
    static void kill(Path pidFile) throws IOException {
        if (Files.exists(pidFile)) {
            long pid = Long.parseLong(Files.readString(pidFile).strip());
            new HostProcess(pid, HostProcess.Kind.OTHER, pidFile.toString()).kill();
        }
    }
}
