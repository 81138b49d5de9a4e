package org.barchan.host.api;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileAttributes;
import org.barchan.v1.WriteArchiveRequest;
import org.barchan.v1.WriteFileRequest;

/** Checks what clients say of files. */
final class FileParser {
    private static final int MAX_MODE = 07777;
    private static final int MAX_TARGET = 4095;
    private static final int MAX_DATA = 64 * 1024;
    private static final int NANOS = 1_000_000_000;
    /** Of a timestamp, as its definition has it. */
    private static final long MIN_SECONDS = -62_135_596_800L;

    private static final long MAX_SECONDS = 253_402_300_799L;

    private FileParser() {}

    /**
     * Returns a path with one slash at a time and none at the end.
     *
     * @throws SandboxException {@code INVALID}
     */
    static ByteString path(String field, ByteString path) throws SandboxException {
        try {
            return ByteString.copyFrom(GuestPath.of(path.toByteArray()).bytes());
        } catch (IllegalArgumentException e) {
            throw invalid(field, String.valueOf(e.getMessage()));
        }
    }

    static FileAttributes attributes(String field, FileAttributes attributes) throws SandboxException {
        if (attributes.getMode() < 0 || attributes.getMode() > MAX_MODE) {
            throw invalid(
                    field + ".mode",
                    Integer.toOctalString(attributes.getMode()) + " octal (expected: at most 7777 octal)");
        }
        // The kernel takes it for "leave the owner as it is".
        if ((attributes.hasUid() && attributes.getUid() == -1) || (attributes.hasGid() && attributes.getGid() == -1)) {
            throw invalid(field + ".uid or gid", "4294967295 (expected: at most 4294967294)");
        }
        Timestamp time = attributes.getModifyTime();
        long seconds = time.getSeconds();
        int nanos = time.getNanos();
        if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos >= NANOS) {
            throw invalid(
                    field + ".modify_time", seconds + " s " + nanos + " ns (expected: a time from year 1 to 9999)");
        }
        return attributes;
    }

    static ByteString target(ByteString target) throws SandboxException {
        boolean nul = target.toStringUtf8().indexOf(0) >= 0;
        if (target.isEmpty() || target.size() > MAX_TARGET || nul) {
            throw invalid(
                    "target", (nul ? "holds NUL" : target.size() + " bytes") + " (expected: 1 to 4095 bytes but NUL)");
        }
        return target;
    }

    /** Checks a number of bytes, of which the wire has no sign. */
    static long bytes(String field, long bytes) throws SandboxException {
        if (bytes < 0) {
            throw invalid(field, Long.toUnsignedString(bytes) + " (expected: at most " + Long.MAX_VALUE + ")");
        }
        return bytes;
    }

    static WriteFileRequest piece(WriteFileRequest piece) throws SandboxException {
        switch (piece.getPieceCase()) {
            case START -> throw invalid("start", "again (expected: once, first)");
            case DATA -> {
                if (piece.getData().size() > MAX_DATA) {
                    throw invalid("data", piece.getData().size() + " bytes (expected: at most " + MAX_DATA + ")");
                }
            }
            case HOLE_BYTES -> bytes("hole_bytes", piece.getHoleBytes());
            case PIECE_NOT_SET -> throw invalid("request", "nothing (expected: data or hole_bytes)");
        }
        return piece;
    }

    /** Returns what comes next of an archive. */
    static ByteString archiveData(WriteArchiveRequest request) throws SandboxException {
        if (request.hasStart()) {
            throw invalid("start", "again (expected: once, first)");
        }
        int size = request.getData().size();
        if (!request.hasData() || size > MAX_DATA) {
            throw invalid("data", size + " bytes (expected: at most " + MAX_DATA + ")");
        }
        return request.getData();
    }

    static SandboxException invalid(String field, String problem) {
        return new SandboxException(SandboxException.Code.INVALID, field + ": " + problem);
    }
}
