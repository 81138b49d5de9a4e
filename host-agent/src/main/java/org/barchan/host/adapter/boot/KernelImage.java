package org.barchan.host.adapter.boot;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.jspecify.annotations.Nullable;

/**
 * An x86-64 kernel on the host's disk: a bzImage (see "The Linux/x86 Boot Protocol" of the kernel's documentation) or a vmlinux.
 *
 * @param release as {@code uname -r} prints it, read from the image itself; safe to be part of a file name
 * @param payload where the compressed vmlinux lies in a bzImage
 */
record KernelImage(Path path, String release, Form form, Payload payload) {
    /** What kind of file it is. */
    enum Form {
        BZIMAGE,
        VMLINUX
    }

    /** The image is not decompressed by Barchan, for this reason; the guest can do it itself. */
    static final class NotExtractableException extends Exception {
        private static final long serialVersionUID = 1L;

        private NotExtractableException(String message) {
            super(message);
        }
    }

    /** A part of the file, in bytes. */
    record Payload(long offset, int length) {
        private static final Payload NONE = new Payload(0, 0);
    }

    private static final int HEADER_END = 0x268;
    private static final int SECTOR = 512;
    private static final int BOOT_FLAG = 0xaa55;
    private static final int HEADER_MAGIC = 0x53726448; // HdrS
    private static final int PROTOCOL_WITH_PAYLOAD = 0x208;
    private static final int LOADED_HIGH = 1;
    private static final int CHUNK = 1 << 20;
    private static final int MAX_BANNER = 256;
    private static final Pattern RELEASE = Pattern.compile("[0-9][0-9A-Za-z._+~-]{0,63}");
    private static final Pattern BANNER = Pattern.compile("Linux version (" + RELEASE.pattern() + ") ");

    /**
     * Reads an image's headers.
     *
     * @throws SandboxException {@code INVALID} if there is no readable, whole kernel image
     */
    static KernelImage read(Path path) throws SandboxException {
        // Asked first: to open a FIFO would block.
        if (!Files.isRegularFile(path)) {
            throw invalid(path, Files.exists(path) ? "it is not a regular file" : "there is no such file", null);
        }
        try (FileChannel channel = FileChannel.open(path)) {
            byte[] start = new byte[(int) Math.min(channel.size(), HEADER_END)];
            readFully(channel, ByteBuffer.wrap(start), 0);
            if (ElfKernel.isElf(start)) {
                ElfKernel.read(channel);
                return new KernelImage(path, findBanner(channel), Form.VMLINUX, Payload.NONE);
            }
            return readBzImage(path, channel, start);
        } catch (AccessDeniedException e) {
            throw invalid(path, "the agent's user may not read it; make it readable (chmod a+r) or name a copy", e);
        } catch (IOException | ArithmeticException e) {
            throw invalid(path, String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * Writes the vmlinux that a bzImage holds, or that this is.
     *
     * @param out empty; its content is undefined after an exception
     * @throws NotExtractableException if the vmlinux can't be had, or can't be entered without the bzImage's own code
     * @throws IOException if the image can't be read or the file can't be written
     */
    void extract(FileChannel out) throws IOException, NotExtractableException {
        switch (form) {
            case VMLINUX -> copy(out);
            case BZIMAGE -> decompress(out);
        }
        ElfKernel elf;
        try {
            elf = ElfKernel.read(out);
        } catch (IOException | ArithmeticException e) {
            throw new NotExtractableException("its payload is no whole kernel: " + e.getMessage());
        }
        if (!elf.pvhEntry()) {
            throw new NotExtractableException("it has no PVH entry (CONFIG_PVH)");
        }
        // What follows are relocations for the bzImage's own loader.
        out.truncate(elf.end());
    }

    /** Writes the image as it is. */
    void copy(FileChannel out) throws IOException {
        try (FileChannel in = FileChannel.open(path)) {
            long size = in.size();
            for (long at = 0; at < size; ) {
                at += in.transferTo(at, size - at, out);
            }
        }
    }

    private void decompress(FileChannel out) throws IOException, NotExtractableException {
        if (payload.equals(Payload.NONE)) {
            throw new NotExtractableException("its boot protocol is older than 2.08");
        }
        byte[] data = new byte[payload.length()];
        try (FileChannel in = FileChannel.open(path)) {
            readFully(in, ByteBuffer.wrap(data), payload.offset());
        }
        Compression compression = Compression.of(data)
                .orElseThrow(() -> new NotExtractableException(
                        "its payload is compressed in an unknown way: it starts with " + startOf(data)));
        // The last word is the size of what the payload holds: gzip's own trailer, and appended by the kernel's build
        // for others.
        int size = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getInt(data.length - Integer.BYTES);
        int length = compression == Compression.GZIP ? data.length : data.length - Integer.BYTES;
        InputStream in = openPayload(compression, data, length, size);
        byte[] buffer = new byte[CHUNK];
        for (long left = size; left > 0; ) {
            int n;
            try {
                n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            } catch (IOException | RuntimeException e) {
                throw new NotExtractableException("its payload is damaged: " + e.getMessage());
            }
            if (n < 0) {
                throw new NotExtractableException("its payload ends " + left + " bytes early");
            }
            Channels.newOutputStream(out).write(buffer, 0, n);
            left -= n;
        }
    }

    private static InputStream openPayload(Compression compression, byte[] data, int length, int size)
            throws NotExtractableException {
        try {
            return compression.openPayload(data, 0, length, size);
        } catch (IOException | RuntimeException e) {
            throw new NotExtractableException("its payload is damaged: " + e.getMessage());
        }
    }

    private static KernelImage readBzImage(Path path, FileChannel channel, byte[] start)
            throws IOException, SandboxException {
        ByteBuffer header = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN);
        if (start.length < HEADER_END
                || Short.toUnsignedInt(header.getShort(0x1fe)) != BOOT_FLAG
                || header.getInt(0x202) != HEADER_MAGIC
                || (header.get(0x211) & LOADED_HIGH) == 0) {
            throw invalid(
                    path,
                    "it is no kernel image: it starts with " + startOf(start)
                            + " (expected: an x86-64 bzImage, such as /boot/vmlinuz-*, or an ELF vmlinux)",
                    null);
        }
        int setupSectors = Byte.toUnsignedInt(header.get(0x1f1));
        long setup = (1L + (setupSectors == 0 ? 4 : setupSectors)) * SECTOR;
        long whole = setup + Integer.toUnsignedLong(header.getInt(0x1f4)) * 16;
        if (channel.size() < whole) {
            throw new EOFException("it is cut off: " + channel.size() + " of " + whole + " bytes are there");
        }
        String release = releaseAt(channel, SECTOR + Short.toUnsignedLong(header.getShort(0x20e)), setup);
        if (Short.toUnsignedInt(header.getShort(0x206)) >= PROTOCOL_WITH_PAYLOAD) {
            long offset = setup + Integer.toUnsignedLong(header.getInt(0x248));
            int length = header.getInt(0x24c);
            if (length < 16 || offset + length > channel.size()) {
                throw new IOException("its header is damaged: a payload of " + Integer.toUnsignedString(length)
                        + " bytes at " + offset + " in " + channel.size());
            }
            return new KernelImage(path, release, Form.BZIMAGE, new Payload(offset, length));
        }
        return new KernelImage(path, release, Form.BZIMAGE, Payload.NONE);
    }

    private static String releaseAt(FileChannel channel, long offset, long setup) throws IOException {
        byte[] version = new byte[(int) Math.max(0, Math.min(MAX_BANNER, setup - offset))];
        readFully(channel, ByteBuffer.wrap(version), offset);
        String release = new String(version, StandardCharsets.ISO_8859_1).split("[ \0]", 2)[0];
        if (!RELEASE.matcher(release).matches()) {
            throw new IOException("its header has no release of a kernel");
        }
        return release;
    }

    private static String findBanner(FileChannel channel) throws IOException {
        byte[] chunk = new byte[CHUNK];
        for (long at = 0; at < channel.size(); at += CHUNK - MAX_BANNER) {
            int length = (int) Math.min(chunk.length, channel.size() - at);
            readFully(channel, ByteBuffer.wrap(chunk, 0, length), at);
            String text = new String(chunk, 0, length, StandardCharsets.ISO_8859_1);
            Matcher banner = BANNER.matcher(text);
            // The plain search first: it is many times faster than the pattern's.
            int candidate = text.indexOf("Linux version ");
            if (candidate >= 0 && banner.find(candidate)) {
                return banner.group(1);
            }
        }
        throw new IOException("it is an ELF file, but no kernel: the text \"Linux version\" is not in it");
    }

    private static void readFully(FileChannel channel, ByteBuffer buffer, long offset) throws IOException {
        for (long at = offset; buffer.hasRemaining(); ) {
            int n = channel.read(buffer, at);
            if (n < 0) {
                throw new EOFException("it is cut off at " + channel.size() + " bytes");
            }
            at += n;
        }
    }

    private static String startOf(byte[] data) {
        StringBuilder start = new StringBuilder(data.length == 0 ? "nothing (it is empty)" : "");
        for (int i = 0; i < Math.min(data.length, 8); i++) {
            start.append(i == 0 ? "" : " ").append(String.format("%02x", data[i]));
        }
        return start.toString();
    }

    private static SandboxException invalid(Path path, String reason, @Nullable Throwable cause) {
        return new SandboxException(Code.INVALID, "cannot use " + path + " as kernel: " + reason, cause);
    }
}
