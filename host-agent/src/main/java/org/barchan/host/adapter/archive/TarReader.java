package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileType;

/**
 * A tar archive that is read: POSIX (ustar, pax) and GNU, with files with holes. Not by the library: that keeps no names that are no text, takes any size
 * of headers, and an archive that was cut off for a whole one. Whatever the archive holds, memory is bounded. Owned by one thread.
 *
 * <p>All methods throw {@code INVALID} for what is no whole archive.
 *
 * @see <a href="https://www.gnu.org/software/tar/manual/html_node/Standard.html">the format</a>
 */
final class TarReader {
    /** Of a file's headers. */
    private static final int MAX_HEADERS = 1 << 20;

    private static final int MAX_MODE = 07777;
    private static final long MAX_ID = 0xFFFF_FFFEL;
    private static final int GNU_SPARSE = 386;

    private final InputStream in;
    private final Map<String, ByteString> global = new HashMap<>();
    private int headers;
    /** What follows of the file in the archive, with what fills its last block. */
    private long stored;

    private long padding;
    private SparseMap map = SparseMap.NONE;

    TarReader(InputStream in) {
        this.in = in;
    }

    static SandboxException bad(String problem) {
        return new SandboxException(SandboxException.Code.INVALID, "archive: " + problem);
    }

    /** Returns the next file, or nothing at the end; what is left of the file before is skipped. */
    Optional<TarHeader> next() throws SandboxException, IOException {
        skip();
        headers = 0;
        Map<String, ByteString> pax = new HashMap<>(global);
        while (true) {
            TarBlock block = new TarBlock(block());
            if (block.isEmpty()) {
                return Optional.empty();
            }
            block.check();
            switch (block.type()) {
                case 'x', 'X' -> PaxRecords.read(record(block), pax);
                case 'g' -> {
                    PaxRecords.read(record(block), global);
                    // Of one file only, and large.
                    global.remove(PaxRecords.SPARSE_MAP);
                    pax.putAll(global);
                }
                case 'L' -> pax.put(PaxRecords.PATH, TarBlock.text(record(block), 0, Integer.MAX_VALUE));
                case 'K' -> pax.put(PaxRecords.LINK, TarBlock.text(record(block), 0, Integer.MAX_VALUE));
                default -> {
                    return Optional.of(header(block, new PaxRecords(pax)));
                }
            }
        }
    }

    private byte[] block() throws SandboxException, IOException {
        headers += TarBlock.SIZE;
        if (headers > MAX_HEADERS) {
            throw bad("the headers of a file have more than " + MAX_HEADERS + " bytes");
        }
        return exactly(TarBlock.SIZE);
    }

    private byte[] exactly(int size) throws SandboxException, IOException {
        byte[] bytes = in.readNBytes(size);
        if (bytes.length < size) {
            throw bad("it ends before its end: it was cut off, or is no tar archive");
        }
        return bytes;
    }

    /** Returns what is in a header that goes before another. */
    private byte[] record(TarBlock block) throws SandboxException, IOException {
        long size = block.number(TarBlock.FILE_SIZE, TarBlock.LONG);
        if (size < 0 || size > MAX_HEADERS - headers) {
            throw bad("the headers of a file have more than " + MAX_HEADERS + " bytes");
        }
        headers += (int) size;
        byte[] bytes = exactly((int) size);
        var _ = exactly(TarBlock.padding(size));
        return bytes;
    }

    private TarHeader header(TarBlock block, PaxRecords pax) throws SandboxException, IOException {
        ByteString name = pax.text(PaxRecords.SPARSE_NAME)
                .or(() -> pax.text(PaxRecords.PATH))
                .orElseGet(block::name);
        if (name.size() > TarPath.MAX_WRITTEN) {
            // Before it is taken apart, kept or part of a message.
            throw bad("a name is too long: " + name.size() + " bytes");
        }
        long size = pax.number(PaxRecords.SIZE, block.number(TarBlock.FILE_SIZE, TarBlock.LONG));
        FileType type = type(block, name);
        boolean hardLink = block.type() == '1';
        stored = block.mayHaveData() ? size : 0;
        if (stored < 0) {
            throw bad("entry '" + name.toStringUtf8() + "': a size of " + size);
        }
        padding = TarBlock.padding(stored);
        boolean sparse = type == FileType.FILE_TYPE_REGULAR && (block.type() == 'S' || pax.isSparse());
        if (sparse) {
            map = sparseMap(block, pax);
        } else if (type == FileType.FILE_TYPE_REGULAR && !hardLink) {
            map = SparseMap.whole(size);
        }
        return new TarHeader(
                name,
                type,
                (int) block.number(TarBlock.MODE, TarBlock.SHORT) & MAX_MODE,
                id(pax.number(PaxRecords.UID, block.number(TarBlock.UID, TarBlock.SHORT))),
                id(pax.number(PaxRecords.GID, block.number(TarBlock.GID, TarBlock.SHORT))),
                pax.time(block.number(TarBlock.TIME, TarBlock.LONG)),
                linkName(block, pax, name),
                hardLink,
                map.size(),
                sparse ? Optional.of(map.told()) : Optional.empty());
    }

    private static FileType type(TarBlock block, ByteString name) {
        return switch (block.type()) {
            case '0', 0, '7' ->
                // Before POSIX there was no other sign of a directory.
                !name.isEmpty() && name.byteAt(name.size() - 1) == '/'
                        ? FileType.FILE_TYPE_DIRECTORY
                        : FileType.FILE_TYPE_REGULAR;
            case '1', 'S' -> FileType.FILE_TYPE_REGULAR;
            case '2' -> FileType.FILE_TYPE_SYMLINK;
            case '5' -> FileType.FILE_TYPE_DIRECTORY;
            default -> FileType.FILE_TYPE_UNSPECIFIED;
        };
    }

    private static ByteString linkName(TarBlock block, PaxRecords pax, ByteString name) throws SandboxException {
        if (block.type() != '1' && block.type() != '2') {
            return ByteString.EMPTY;
        }
        ByteString link = pax.text(PaxRecords.LINK).orElseGet(block::linkName);
        if (link.isEmpty() || link.size() > TarPath.MAX_PATH) {
            throw bad("entry '" + name.toStringUtf8() + "': a link to a name of " + link.size()
                    + " bytes (expected: 1 to " + TarPath.MAX_PATH + ")");
        }
        return link;
    }

    private static int id(long id) throws SandboxException {
        if (id < 0 || id > MAX_ID) {
            throw bad("an owner or group " + id + " (expected: at most " + MAX_ID + ")");
        }
        return (int) id;
    }

    private SparseMap sparseMap(TarBlock block, PaxRecords pax) throws SandboxException, IOException {
        if (block.type() == 'S') {
            SparseMap.Builder builder = new SparseMap.Builder();
            TarBlock part = block;
            boolean more = part.extents(GNU_SPARSE, 4, builder);
            while (more) {
                part = new TarBlock(block());
                more = part.extents(0, 21, builder);
            }
            return builder.build(block.number(TarBlock.REAL_SIZE, TarBlock.LONG), stored);
        }
        long size = pax.sparseSize();
        Optional<ByteString> inHeader = pax.text(PaxRecords.SPARSE_MAP);
        if (inHeader.isPresent()) {
            SparseMap.Builder builder = new SparseMap.Builder();
            inHeader(inHeader.get(), builder);
            return builder.build(size, stored);
        }
        return mapBeforeData(size);
    }

    /** Offset and length of each extent, with commas between. */
    private static void inHeader(ByteString text, SparseMap.Builder builder) throws SandboxException {
        SparseMap.Digits digits = new SparseMap.Digits();
        for (int i = 0; i < text.size(); i++) {
            if (text.byteAt(i) == ',') {
                builder.add(digits.number());
            } else {
                digits.add(text.byteAt(i));
            }
        }
        builder.add(digits.number());
    }

    /** A number of extents, offset and length of each, a line for each number, up to the end of a block. */
    private SparseMap mapBeforeData(long size) throws SandboxException, IOException {
        SparseMap.Builder builder = new SparseMap.Builder();
        SparseMap.Digits digits = new SparseMap.Digits();
        boolean counted = false;
        for (int left = 1; left > 0; ) {
            if (stored < TarBlock.SIZE) {
                throw bad("a file with holes that does not say where they are");
            }
            byte[] part = block();
            stored -= TarBlock.SIZE;
            for (int i = 0; i < part.length && left > 0; i++) {
                if (part[i] != '\n') {
                    digits.add(part[i]);
                } else if (counted) {
                    builder.add(digits.number());
                    left--;
                } else {
                    left = 2 * SparseMap.count(digits.number());
                    counted = true;
                }
            }
        }
        return builder.build(size, stored);
    }

    /** Reads more of the file's data, zero bytes where it is told that they are data; returns how many, 0 at its end. */
    int read(byte[] buffer) throws SandboxException, IOException {
        SparseMap.Step step = map.next(buffer.length);
        if (step.isData()) {
            int n = in.readNBytes(buffer, 0, step.bytes());
            if (n < step.bytes()) {
                throw bad("it ends before its end: it was cut off");
            }
            stored -= n;
        } else {
            Arrays.fill(buffer, 0, step.bytes(), (byte) 0);
        }
        return step.bytes();
    }

    /** Passes over what is left of the file. */
    void skip() throws SandboxException, IOException {
        byte[] buffer = new byte[8192];
        for (long left = stored + padding; left > 0; ) {
            int n = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
            if (n == 0) {
                throw bad("it ends before its end: it was cut off");
            }
            left -= n;
        }
        stored = 0;
        padding = 0;
        map = SparseMap.NONE;
    }
}
