package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveOutputStream;

/** The small guest of {@code test-init.c}, and the host's side of what one says to it. */
final class TestGuest {
    private static final List<String> MODULES = List.of("virtio_pci", "virtio_console", "9p", "9pnet_virtio");

    private TestGuest() {}

    /** Returns the newest generic kernel of the host: the cloud kernel has no 9p. */
    static Path kernel() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/boot"))) {
            return files.filter(file -> file.getFileName().toString().matches("vmlinuz-.*-amd64"))
                    .filter(file -> !file.toString().contains("cloud"))
                    .max(Path::compareTo)
                    .orElseThrow(
                            () -> new IOException("/boot has no vmlinuz-*-amd64: apt-get install linux-image-amd64"));
        }
    }

    /** Compiles the init and packs it with its modules. */
    static Path buildInitrd(Path directory) throws IOException, InterruptedException {
        Path init = directory.resolve("init");
        Path source = directory.resolve("test-init.c");
        try (InputStream in = TestGuest.class.getResourceAsStream("test-init.c")) {
            if (in == null) {
                throw new IOException("test-init.c is not on the class path");
            }
            Files.copy(in, source, StandardCopyOption.REPLACE_EXISTING);
        }
        Process compiler = new ProcessBuilder("gcc", "-static", "-O1", "-o", init.toString(), source.toString())
                .inheritIO()
                .start();
        assertEquals(true, compiler.waitFor(60, TimeUnit.SECONDS), "gcc hangs");
        assertEquals(0, compiler.exitValue(), "gcc failed");
        Path initrd = directory.resolve("initrd");
        try (CpioArchiveOutputStream cpio = new CpioArchiveOutputStream(Files.newOutputStream(initrd))) {
            put(cpio, "init", 0100755, Files.readAllBytes(init));
            put(cpio, "dev", 040755, new byte[0]);
            CpioArchiveEntry console = new CpioArchiveEntry("dev/console");
            console.setMode(020600);
            console.setRemoteDeviceMaj(5);
            console.setRemoteDeviceMin(1);
            cpio.putArchiveEntry(console);
            cpio.closeArchiveEntry();
            put(cpio, "modules", 040755, new byte[0]);
            StringBuilder order = new StringBuilder();
            for (Path module : modulesInOrder()) {
                put(cpio, "modules/" + module.getFileName(), 0100644, Files.readAllBytes(module));
                order.append(module.getFileName()).append('\n');
            }
            put(cpio, "modules/order", 0100644, order.toString().getBytes(StandardCharsets.UTF_8));
        }
        return initrd;
    }

    private static void put(CpioArchiveOutputStream cpio, String name, int mode, byte[] content) throws IOException {
        CpioArchiveEntry entry = new CpioArchiveEntry(name);
        entry.setMode(mode);
        entry.setSize(content.length);
        cpio.putArchiveEntry(entry);
        cpio.write(content);
        cpio.closeArchiveEntry();
    }

    private static List<Path> modulesInOrder() throws IOException {
        String release = kernel().getFileName().toString().substring("vmlinuz-".length());
        Path directory = Path.of("/lib/modules", release);
        Map<String, List<String>> dependencies = new java.util.HashMap<>();
        for (String line : Files.readAllLines(directory.resolve("modules.dep"))) {
            String[] parts = line.split(":", 2);
            dependencies.put(
                    parts[0],
                    Stream.of(parts[1].split(" "))
                            .filter(word -> !word.isEmpty())
                            .toList());
        }
        List<Path> order = new ArrayList<>();
        for (String wanted : MODULES) {
            String module = dependencies.keySet().stream()
                    .filter(name -> name.endsWith("/" + wanted + ".ko"))
                    .findFirst()
                    .orElseThrow();
            for (String needed : dependencies.getOrDefault(module, List.of()).reversed()) {
                addOnce(order, directory.resolve(needed));
            }
            addOnce(order, directory.resolve(module));
        }
        return order;
    }

    private static void addOnce(List<Path> order, Path module) {
        if (!order.contains(module)) {
            order.add(module);
        }
    }

    /** A conversation with the guest behind a link socket. */
    static final class Talk implements AutoCloseable {
        private final SocketChannel channel;
        private final BufferedReader in;
        private final OutputStream out;

        Talk(Path socket) throws IOException {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
            in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
            out = Channels.newOutputStream(channel);
        }

        void say(String line) {
            try {
                out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Says a line and returns the answer; the test's own timeout bounds the wait. */
        String ask(String line) throws IOException {
            say(line);
            return String.valueOf(in.readLine());
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
