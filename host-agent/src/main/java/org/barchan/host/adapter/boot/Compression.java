package org.barchan.host.adapter.boot;

import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.lz4.Lz4JavaDecompressor;
import io.airlift.compress.v3.zstd.ZstdInputStream;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.SingleXZInputStream;

/** How kernels and modules are compressed, told by how the data starts and never by a file's name. */
enum Compression {
    GZIP("1f8b08"),
    XZ("fd377a585a00"),
    ZSTD("28b52ffd"),
    LZ4("02214c18"),
    LZMA("5d0000"),
    BZIP2("425a68");

    /** The kernel's lz4 is the "legacy" frame: blocks of this many bytes, each with its compressed length before it. */
    private static final int LZ4_BLOCK = 8 << 20;

    /** More than any kernel, and a bound for what damaged data may make us allocate. */
    private static final int MAX_SIZE = 1 << 30;

    private static final int LZMA_MEMORY_KIB = 256 << 10;

    private final String magic;

    Compression(String magic) {
        this.magic = magic;
    }

    /** Returns how data is compressed; empty when it starts like none of these. */
    static Optional<Compression> of(byte[] data) {
        String start = HexFormat.of().formatHex(data, 0, Math.min(data.length, 8));
        return Arrays.stream(values())
                .filter(compression -> start.startsWith(compression.magic))
                .findFirst();
    }

    /**
     * Opens a stream of what a kernel's payload holds.
     *
     * @param size its size when decompressed
     * @throws IOException if the data is damaged; reading the stream may throw it as well
     */
    InputStream openPayload(byte[] data, int offset, int length, int size) throws IOException {
        if (size < 0 || size > MAX_SIZE) {
            throw new IOException("the payload claims to hold " + Integer.toUnsignedLong(size) + " bytes");
        }
        ByteArrayInputStream in = new ByteArrayInputStream(data, offset, length);
        return switch (this) {
            case ZSTD -> new ByteArrayInputStream(zstd(data, offset, length, size));
            case LZ4 -> new SequenceInputStream(Collections.enumeration(lz4(data, offset, length, size)));
            case GZIP, XZ, LZMA, BZIP2 -> open(in);
        };
    }

    /** Decompresses a module. */
    byte[] decompress(byte[] data) throws IOException {
        if (this == ZSTD) {
            long size = frameSize(data);
            if (size >= 0 && size <= MAX_SIZE) {
                return zstd(data, 0, data.length, (int) size);
            }
        }
        try (InputStream in = open(new ByteArrayInputStream(data))) {
            return in.readNBytes(MAX_SIZE);
        } catch (RuntimeException e) {
            throw new IOException("damaged " + name() + " data: " + e.getMessage(), e);
        }
    }

    private InputStream open(InputStream in) throws IOException {
        return switch (this) {
            case GZIP -> new GZIPInputStream(in, 1 << 16);
            // Not XZInputStream: it takes what follows the stream, here the size, for damage.
            case XZ -> new SingleXZInputStream(in, LZMA_MEMORY_KIB);
            case ZSTD -> new ZstdInputStream(in);
            case LZMA -> new LZMAInputStream(in, LZMA_MEMORY_KIB);
            case BZIP2 -> new BZip2CompressorInputStream(in);
            case LZ4 -> throw new IOException("modules are never compressed with lz4");
        };
    }

    private static long frameSize(byte[] data) throws IOException {
        try {
            return new ZstdJavaDecompressor().getDecompressedSize(data, 0, data.length);
        } catch (MalformedInputException e) {
            throw new IOException("damaged zstd data: " + e.getMessage(), e);
        }
    }

    /** In one piece, because kernels are packed with a window larger than the streaming decoder takes. */
    private static byte[] zstd(byte[] data, int offset, int length, int size) throws IOException {
        byte[] out = new byte[size];
        try {
            int made = new ZstdJavaDecompressor().decompress(data, offset, length, out, 0, size);
            return made == size ? out : Arrays.copyOf(out, made);
        } catch (MalformedInputException | IndexOutOfBoundsException e) {
            throw new IOException("damaged zstd data: " + e.getMessage(), e);
        }
    }

    private static List<InputStream> lz4(byte[] data, int offset, int length, int size) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(data, offset, length).order(ByteOrder.LITTLE_ENDIAN);
        in.getInt();
        List<InputStream> blocks = new ArrayList<>();
        for (int left = size; left > 0; ) {
            int compressed = in.remaining() >= Integer.BYTES ? in.getInt() : -1;
            if (compressed <= 0 || compressed > in.remaining()) {
                throw new IOException("damaged lz4 data: it ends " + left + " bytes early");
            }
            byte[] out = new byte[Math.min(left, LZ4_BLOCK)];
            try {
                int made = new Lz4JavaDecompressor().decompress(data, in.position(), compressed, out, 0, out.length);
                if (made == 0) {
                    throw new IOException("damaged lz4 data: an empty block");
                }
                blocks.add(new ByteArrayInputStream(out, 0, made));
                left -= made;
            } catch (MalformedInputException | IndexOutOfBoundsException e) {
                throw new IOException("damaged lz4 data: " + e.getMessage(), e);
            }
            in.position(in.position() + compressed);
        }
        return blocks;
    }
}
