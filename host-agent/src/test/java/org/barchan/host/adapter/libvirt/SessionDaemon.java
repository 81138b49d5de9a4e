package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.barchan.host.port.Machine;
import org.barchan.host.sandbox.HostUser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** A libvirtd of an unprivileged user, with everything of its own below one directory. Needs root, to become that user. */
final class SessionDaemon {
    private static final Path PROGRAM = Path.of("/usr/sbin/libvirtd");

    private final Path directory;
    private final HostUser user;
    private @Nullable Process process;

    SessionDaemon(Path directory, HostUser user) throws IOException {
        Assumptions.assumeTrue(
                Files.isExecutable(PROGRAM), () -> PROGRAM + " is missing: apt-get install libvirt-daemon");
        Assumptions.assumeTrue("root".equals(System.getProperty("user.name")), "needs root for becoming another user");
        this.directory = directory;
        this.user = user;
        for (String name : List.of("", "run", "run/libvirt", "config", "config/libvirt", "cache")) {
            give(Files.createDirectory(directory.resolve(name)), user);
        }
        // No virtlogd: it would be started, and outlive the test.
        Files.writeString(directory.resolve("config/libvirt/qemu.conf"), "stdio_handler = \"file\"\n");
    }

    static void give(Path path, HostUser user) throws IOException {
        Files.setAttribute(path, "unix:uid", user.uid());
        Files.setAttribute(path, "unix:gid", user.gid());
    }

    static ProcessHandle qemuOf(Machine machine) {
        return ProcessHandle.allProcesses()
                .filter(process -> commandLineOf(process)
                        .contains("guest=barchan-" + machine.record().id()))
                .findFirst()
                .orElseThrow();
    }

    static String commandLineOf(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    String uri() {
        return "qemu:///session?socket=" + socket();
    }

    private Path socket() {
        return directory.resolve("run/libvirt/libvirt-sock");
    }

    /** Returns when it listens. */
    void start() throws IOException, InterruptedException {
        Files.deleteIfExists(socket());
        try (WatchService watch = directory.getFileSystem().newWatchService()) {
            WatchKey key = directory.resolve("run/libvirt").register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            ProcessBuilder builder = new ProcessBuilder(
                            "setpriv",
                            "--reuid=" + user.uid(),
                            "--regid=" + user.gid(),
                            "--clear-groups",
                            PROGRAM.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(
                            directory.resolve("libvirtd.out").toFile()));
            builder.environment().put("HOME", directory.toString());
            builder.environment()
                    .put("XDG_RUNTIME_DIR", directory.resolve("run").toString());
            builder.environment()
                    .put("XDG_CONFIG_HOME", directory.resolve("config").toString());
            builder.environment()
                    .put("XDG_CACHE_HOME", directory.resolve("cache").toString());
            process = builder.start();
            while (!Files.exists(socket())) {
                WatchKey next = watch.poll(30, TimeUnit.SECONDS);
                assertEquals(key, next, () -> "libvirtd does not listen: " + output());
                next.reset();
            }
        }
        awaitListening();
    }

    /** The socket has its name a moment before connections are accepted. */
    private void awaitListening() throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                assertTrue(channel.connect(UnixDomainSocketAddress.of(socket())));
                return;
            } catch (ConnectException e) {
                assertTrue(System.nanoTime() < end, () -> "libvirtd does not listen: " + output());
                Thread.onSpinWait();
            }
        }
    }

    /** As kill -9: its machines run on. */
    void kill() throws InterruptedException {
        Process running = process;
        if (running != null) {
            running.destroyForcibly().waitFor();
        }
    }

    void signal(String name) throws IOException, InterruptedException {
        Process running = process;
        if (running != null) {
            assertEquals(
                    0,
                    new ProcessBuilder("kill", "-" + name, Long.toString(running.pid()))
                            .inheritIO()
                            .start()
                            .waitFor());
        }
    }

    private String output() {
        try {
            return Files.readString(directory.resolve("libvirtd.out"));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
