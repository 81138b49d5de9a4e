package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.barchan.host.sandbox.LibvirtUri;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a daemon of libvirt's listens. Its library looks for that itself, and starts a user's daemon when it is needed, but not in a
 * process that has opened the embedded driver: there it takes any URI of QEMU's for its own, unless the socket is named, and to a
 * driver that it does not have.
 *
 * @param program what to start when nobody listens; empty: that is not the client's to do
 */
record DaemonSocket(Path socket, Optional<Path> program) {
    private static final Logger LOG = LoggerFactory.getLogger(DaemonSocket.class);
    private static final long START_SECONDS = 30;
    /** As libvirt starts it: it ends when it has had nothing to do for so long. */
    private static final String IDLE_TIMEOUT = "--timeout=120";

    /** The daemon for QEMU alone, then the one for everything: which of them a host has is its distribution's choice. */
    private static final List<String> NAMES = List.of("virtqemud", "libvirtd");

    /** Returns where to look for the daemon of a URI, by libvirt's own rules. */
    static DaemonSocket of(LibvirtUri uri, int uid, Map<String, String> environment) {
        if (uri.socket().isPresent()) {
            return new DaemonSocket(uri.socket().get(), Optional.empty());
        }
        // To libvirt, root has no session of its own.
        if (uid == 0 || uri.driver().equals(LibvirtUri.SYSTEM)) {
            return new DaemonSocket(inDirectory(Path.of("/run/libvirt")), Optional.empty());
        }
        String runtime = Optional.ofNullable(environment.get("XDG_RUNTIME_DIR"))
                .or(() -> Optional.ofNullable(environment.get("XDG_CACHE_HOME")))
                .orElseGet(() -> environment.getOrDefault("HOME", "/") + "/.cache");
        Path socket = inDirectory(Path.of(runtime, "libvirt"));
        String name = socket.endsWith(socketName("virtqemud")) ? "virtqemud" : "libvirtd";
        return new DaemonSocket(socket, Optional.of(programOf(name)));
    }

    /** Returns the socket that is there; if none is, that of the daemon that is installed. */
    private static Path inDirectory(Path directory) {
        return NAMES.stream()
                .filter(name -> Files.exists(directory.resolve(socketName(name))))
                .findFirst()
                .or(() -> NAMES.stream()
                        .filter(name -> Files.isExecutable(programOf(name)))
                        .findFirst())
                .map(name -> directory.resolve(socketName(name)))
                .orElse(directory.resolve(socketName("libvirtd")));
    }

    private static String socketName(String daemon) {
        return daemon.equals("libvirtd") ? "libvirt-sock" : daemon + "-sock";
    }

    private static Path programOf(String daemon) {
        return Path.of("/usr/sbin", daemon);
    }

    /** Returns what opens a driver behind it, {@code system} or {@code session}. */
    String connectUri(String driver) {
        return "remote+unix:///" + driver + "?name=qemu:///" + driver + "&mode=direct&socket="
                + URLEncoder.encode(socket.toString(), StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Starts the daemon if nobody listens, and if it is the client's to do. That it could not be is for the connection to say. */
    void awaken() {
        if (program.isEmpty() || !Files.isExecutable(program.get()) || listens()) {
            return;
        }
        LOG.info("starting {}", program.get());
        try {
            // Its parent returns when it listens. Should another have been started at the same time, one of them gives
            // way.
            ProcessBuilder builder = new ProcessBuilder(program.get().toString(), "--daemon", IDLE_TIMEOUT)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD);
            builder.environment().keySet().removeIf(name -> name.startsWith("BARCHAN_"));
            Process starting = builder.start();
            if (!starting.waitFor(START_SECONDS, TimeUnit.SECONDS)) {
                starting.destroyForcibly();
                LOG.warn("{} did not start within {} s", program.get(), START_SECONDS);
            }
        } catch (IOException e) {
            LOG.warn("{} cannot be started", program.get(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean listens() {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            return false;
        }
    }
}
