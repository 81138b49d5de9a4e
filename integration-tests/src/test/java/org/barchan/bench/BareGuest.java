package org.barchan.bench;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.apache.commons.compress.archivers.cpio.CpioArchiveOutputStream;

/**
 * The floor: QEMU, the same kernel and drivers as a sandbox's, and an init in C that writes to the port at once. No libvirt, no agent,
 * no protocol.
 */
final class BareGuest {
    private static final String PORT = "org.barchan.link";

    private final Path kernel;
    private final Path initrd;

    private BareGuest(Path kernel, Path initrd) {
        this.kernel = kernel;
        this.initrd = initrd;
    }

    /**
     * Builds the floor from what a sandbox was booted with.
     *
     * @param bootFiles where the agent keeps kernels and initrds
     */
    static BareGuest build(Path source, Path work, Path bootFiles) throws IOException, InterruptedException {
        Path init = work.resolve("floor-init");
        int status = new ProcessBuilder(
                        "gcc", "-O2", "-Wall", "-Wextra", "-static", "-s", "-o", init.toString(), source.toString())
                .inheritIO()
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("gcc " + source + ": exit status " + status);
        }
        Path initrd = work.resolve("floor.cpio");
        try (OutputStream file = Files.newOutputStream(initrd);
                CpioArchiveOutputStream archive = new CpioArchiveOutputStream(file)) {
            put(archive, "init", Files.readAllBytes(init), 0100755);
            copyModules(newest(bootFiles, "initrd-"), archive);
        }
        return new BareGuest(newest(bootFiles, "kernel-"), initrd);
    }

    /** Returns the file that was made last of those whose name begins so; their seals lie beside them. */
    private static Path newest(Path root, String prefix) throws IOException {
        Path newest = null;
        try (var files = Files.walk(root)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = String.valueOf(file.getFileName());
                if (name.startsWith(prefix)
                        && !name.endsWith(".seal")
                        && (newest == null
                                || Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(newest)) > 0)) {
                    newest = file;
                }
            }
        }
        if (newest == null) {
            throw new IOException("no " + prefix + "* below " + root + ": has a sandbox been run?");
        }
        return newest;
    }

    private static void copyModules(Path from, CpioArchiveOutputStream to) throws IOException {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(from));
                CpioArchiveInputStream archive = new CpioArchiveInputStream(file)) {
            for (CpioArchiveEntry entry = archive.getNextEntry(); entry != null; entry = archive.getNextEntry()) {
                if (entry.isDirectory() && entry.getName().equals("modules")) {
                    CpioArchiveEntry directory = new CpioArchiveEntry("modules");
                    directory.setMode(040755);
                    to.putArchiveEntry(directory);
                    to.closeArchiveEntry();
                } else if (entry.getName().startsWith("modules/")) {
                    put(to, entry.getName(), archive.readAllBytes(), 0100644);
                }
            }
        }
    }

    private static void put(CpioArchiveOutputStream archive, String name, byte[] content, long mode)
            throws IOException {
        CpioArchiveEntry entry = new CpioArchiveEntry(name);
        entry.setMode(mode);
        entry.setSize(content.length);
        archive.putArchiveEntry(entry);
        archive.write(content);
        archive.closeArchiveEntry();
    }

    /**
     * Boots and returns what came over the port, with the times at which it came.
     *
     * @param cpu QEMU's CPU model
     */
    Arrival run(long bytes, int mebibytes, String cpu, String commandLine) throws IOException, InterruptedException {
        List<String> command = command(
                "pc",
                cpu,
                mebibytes,
                "-append",
                commandLine + " floor.port=" + PORT + " floor.bytes=" + bytes,
                "-device",
                "virtio-serial-pci",
                "-chardev",
                "stdio,id=port",
                "-device",
                "virtserialport,chardev=port,name=" + PORT);
        return Arrival.of(new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT), bytes, true);
    }

    /** Returns what starts QEMU with its kernel and initrd, and whatever else. */
    List<String> command(String machine, String cpu, int mebibytes, String... more) {
        List<String> command = new ArrayList<>(List.of(
                "qemu-system-x86_64",
                "-M",
                machine,
                "-accel",
                "tcg",
                "-cpu",
                cpu,
                "-m",
                mebibytes + "M",
                "-nodefaults",
                "-no-user-config",
                "-no-reboot",
                "-display",
                "none",
                "-kernel",
                kernel.toString(),
                "-initrd",
                initrd.toString()));
        command.addAll(List.of(more));
        return command;
    }

    /**
     * When output came, in seconds from the start of its program.
     *
     * @param early when the first {@link #EARLY} bytes had come, 0 if there are fewer
     * @param end when the program had ended
     * @param bytes how much came
     */
    record Arrival(double first, double early, double last, double end, long bytes) {
        /** What comes while a program may still be warming up. */
        static final long EARLY = 64L << 20;

        static Arrival of(ProcessBuilder program, long expected) throws IOException, InterruptedException {
            return of(program, expected, false);
        }

        /** Runs a program, and ends it when all has come if it does not end by itself. */
        private static Arrival of(ProcessBuilder program, long expected, boolean endless)
                throws IOException, InterruptedException {
            long start = System.nanoTime();
            Process process = program.start();
            // Its standard input stays open: QEMU takes the end of it for the host's hanging up.
            byte[] buffer = new byte[65536];
            double first = 0;
            double early = 0;
            long total = 0;
            try (InputStream output = process.getInputStream()) {
                for (int n = output.read(buffer); n > 0; n = output.read(buffer)) {
                    first = total == 0 ? since(start) : first;
                    total += n;
                    early = early == 0 && total >= EARLY ? since(start) : early;
                    if (total >= expected) {
                        break;
                    }
                }
            }
            double last = since(start);
            if (endless) {
                process.destroyForcibly();
            }
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
            if (total < expected) {
                throw new IOException(
                        program.command() + ": " + total + " bytes of output (expected: " + expected + ")");
            }
            return new Arrival(first, early, last, since(start), total);
        }

        /** Returns MiB/s between the first and the last byte. */
        double throughput() {
            return bytes / 1048576.0 / (last - first);
        }

        /** Returns MiB/s of the first {@link #EARLY} bytes. */
        double earlyThroughput() {
            return EARLY / 1048576.0 / (early - first);
        }

        private static double since(long start) {
            return (System.nanoTime() - start) / 1e9;
        }
    }
}
