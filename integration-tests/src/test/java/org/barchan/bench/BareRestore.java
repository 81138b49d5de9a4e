package org.barchan.bench;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The limit of a restore: QEMU alone takes over what an agent has saved as a template, by its own means. No libvirt, no agent, no file system of the
 * host, and nothing that the guest does.
 */
final class BareRestore {
    private static final int SEAL_BYTES = 48;
    private static final int PAGE_BYTES = 4096;
    private static final int PAGE = 0x08;
    private static final String MEMORY = "pc.ram";
    private static final String TAKEN_OVER = "\"status\": \"completed\"";
    private static final Pattern FAILURE = Pattern.compile("\"error\"|\"status\": \"failed\"");
    private static final String RUNS = "\"RESUME\"";

    private final BareGuest guest;
    private final Path stream;

    private BareRestore(BareGuest guest, Path stream) {
        this.guest = guest;
        this.stream = stream;
    }

    /**
     * Makes QEMU's stream of a template: SavedMachine says what that file is like.
     *
     * @param guest whose kernel and initrd it was booted from, which have to be there, if only for their sizes
     */
    static BareRestore of(Path template, BareGuest guest, Path work) throws IOException {
        byte[] saved = Files.readAllBytes(template);
        ByteBuffer seal = ByteBuffer.wrap(saved, saved.length - SEAL_BYTES, SEAL_BYTES);
        int runs = seal.getInt();
        int begin = Math.toIntExact(seal.getLong());
        int length = Math.toIntExact(seal.getLong());
        int memoryAt = seal.getInt();
        Path stream = work.resolve("stream");
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(stream)))) {
            out.write(saved, begin, memoryAt);
            ByteBuffer table = ByteBuffer.wrap(saved, begin - 16 * runs, 16 * runs);
            int at = 0;
            for (int i = 0; i < runs; i++) {
                long address = table.getLong();
                long end = address + table.getLong();
                for (; address < end; address += PAGE_BYTES, at += PAGE_BYTES) {
                    out.writeLong(address | PAGE);
                    out.writeByte(MEMORY.length());
                    out.writeBytes(MEMORY);
                    out.write(saved, at, PAGE_BYTES);
                }
            }
            out.write(saved, begin + memoryAt, length - memoryAt);
        }
        return new BareRestore(guest, stream);
    }

    /** Returns how long it takes from QEMU's start until its guest runs, in seconds. */
    double run() throws IOException, InterruptedException {
        List<String> command = guest.command(
                "pc",
                Bench.SANDBOX_CPU,
                Bench.MEBIBYTES,
                "-object",
                "memory-backend-memfd,id=pc.ram,share=on,x-use-canonical-path-for-ramblock-id=off,size="
                        + Bench.MEBIBYTES + "M",
                "-machine",
                "memory-backend=pc.ram,usb=off,vmport=off,dump-guest-core=off",
                "-no-hpet",
                "-global",
                "PIIX4_PM.disable_s3=1",
                "-global",
                "PIIX4_PM.disable_s4=1",
                "-device",
                "virtio-serial-pci,id=virtio-serial0,max_ports=2,bus=pci.0,addr=0x3",
                "-chardev",
                "null,id=console",
                "-device",
                "isa-serial,chardev=console,id=serial0",
                "-chardev",
                "null,id=link",
                "-device",
                "virtserialport,bus=virtio-serial0.0,nr=1,chardev=link,id=channel0,name=org.barchan.link",
                "-qmp",
                "stdio",
                "-incoming",
                "defer");
        long start = System.nanoTime();
        Process qemu = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (OutputStream requests = qemu.getOutputStream();
                BufferedReader events = qemu.inputReader()) {
            ask(requests, "{'execute':'qmp_capabilities'}");
            ask(
                    requests,
                    "{'execute':'migrate-set-capabilities','arguments':{'capabilities':[{'capability':'events','state':true}]}}");
            ask(requests, "{'execute':'migrate-incoming','arguments':{'uri':'exec:cat " + stream + "'}}");
            for (String line = events.readLine(); line != null; line = events.readLine()) {
                if (line.contains(TAKEN_OVER)) {
                    // It was saved paused.
                    ask(requests, "{'execute':'cont'}");
                } else if (line.contains(RUNS)) {
                    return (System.nanoTime() - start) / 1e9;
                } else if (FAILURE.matcher(line).find()) {
                    throw new IOException(command + ": " + line);
                }
            }
            throw new IOException(command + ": ended before its guest ran");
        } finally {
            qemu.destroyForcibly().waitFor();
        }
    }

    private static void ask(OutputStream requests, String request) throws IOException {
        requests.write((request.replace('\'', '"') + "\n").getBytes(StandardCharsets.US_ASCII));
        requests.flush();
    }
}
