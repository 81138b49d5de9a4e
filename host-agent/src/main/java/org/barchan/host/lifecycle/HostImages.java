package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.port.Views.View;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.DiskImage;
import org.barchan.host.sandbox.DiskImage.Format;
import org.barchan.host.sandbox.SandboxException;

/** Images of the host, as disks of a machine. */
final class HostImages {
    private static final int HEADER_BYTES = 104;

    /** What files of other formats begin with. */
    private static final Map<String, String> MAGIC = Map.of(
            "QFI\u00fb",
            "qcow2",
            "KDMV",
            "vmdk",
            "conectix",
            "vpc",
            "vhdxfile",
            "vhdx",
            "QED\0",
            "qed",
            "<<< ",
            "vdi",
            "LUKS\u00ba\u00be",
            "luks");

    private static final int VERSION = 4;
    private static final int BACKING_FILE = 8;
    private static final int ENCRYPTION = 32;
    private static final int INCOMPATIBLE_FEATURES = 72;
    private static final long EXTERNAL_DATA_FILE = 1 << 2;

    private HostImages() {}

    /**
     * An image that a machine has.
     *
     * @param serial names it to the guest
     * @param action for messages
     */
    record Attached(String serial, String action, DiskImage image, Access access) {
        boolean writable() {
            return access instanceof Access.ReadWrite;
        }

        /**
         * Returns it as the machine's disk.
         *
         * @throws SandboxException {@code PRECONDITION} when the file does not do: why, what to do
         */
        MachineSpec.Disk disk(View view) throws SandboxException {
            if (view.file(serial).isEmpty()) {
                throw wrong("it is a directory (expected: a regular file). Mount it with type=bind");
            }
            Path file = view.path(serial).resolve(view.file(serial));
            try (FileChannel channel = FileChannel.open(file)) {
                check(channel);
            } catch (IOException e) {
                throw wrong("reading it: " + e.getMessage());
            }
            return new MachineSpec.Disk(serial, image.format(), file, !writable(), false);
        }

        /** QEMU would open, without a word, whatever other files the header names. */
        private void check(FileChannel channel) throws IOException, SandboxException {
            ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
            int read = 1;
            while (header.hasRemaining() && read > 0) {
                read = channel.read(header);
            }
            header.flip();
            if (!header.hasRemaining()) {
                throw wrong("it is empty (expected: an image; qemu-img create makes one)");
            }
            Optional<String> looksLike = looksLike(header);
            if (image.format() == Format.QCOW2) {
                checkQcow2(header, looksLike);
            } else if (looksLike.isPresent() && image.ordered().isEmpty()) {
                String format = looksLike.get();
                throw wrong(
                        "it looks like the format " + format + " (expected: raw, as nothing else is ordered). "
                                + (format.equals("qcow2")
                                        ? "Order format=qcow2; or format=raw if a guest has made it look so"
                                        : "Make it raw with qemu-img convert; or order format=raw if a guest has made it look so"));
            }
        }

        private static Optional<String> looksLike(ByteBuffer header) {
            String start =
                    StandardCharsets.ISO_8859_1.decode(header.duplicate()).toString();
            return MAGIC.entrySet().stream()
                    .filter(magic -> start.startsWith(magic.getKey()))
                    .map(Map.Entry::getValue)
                    .findFirst();
        }

        private void checkQcow2(ByteBuffer header, Optional<String> looksLike) throws SandboxException {
            int version = header.limit() < HEADER_BYTES ? 0 : header.getInt(VERSION);
            if (!looksLike.equals(Optional.of("qcow2")) || (version != 2 && version != 3)) {
                throw wrong("it is no qcow2 image of version 2 or 3 (expected: one). Order format=raw if it is raw");
            }
            if (header.getLong(BACKING_FILE) != 0) {
                throw wrong(
                        "it has a backing file (expected: an image that stands alone; who wrote it could have another"
                                + " file opened). Make one of it: qemu-img convert -O qcow2 " + image.path()
                                + " ALONE.qcow2");
            }
            if (header.getInt(ENCRYPTION) != 0) {
                throw wrong("it is encrypted (expected: an image that is not)");
            }
            if (version == 3 && (header.getLong(INCOMPATIBLE_FEATURES) & EXTERNAL_DATA_FILE) != 0) {
                throw wrong("its data lie in another file (expected: an image that stands alone). Make one of it:"
                        + " qemu-img convert -O qcow2 " + image.path() + " ALONE.qcow2");
            }
        }

        private SandboxException wrong(String problem) {
            return new SandboxException(SandboxException.Code.PRECONDITION, action + ": " + problem);
        }
    }
}
