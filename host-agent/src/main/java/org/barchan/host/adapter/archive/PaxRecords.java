package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.barchan.host.sandbox.SandboxException;

/** What pax headers, and GNU's like them, say of a file beside its own. Values are bytes. */
record PaxRecords(Map<String, ByteString> records) {
    static final String PATH = "path";
    static final String LINK = "linkpath";
    static final String SIZE = "size";
    static final String UID = "uid";
    static final String GID = "gid";
    static final String SPARSE_NAME = "GNU.sparse.name";
    static final String SPARSE_MAP = "GNU.sparse.map";

    private static final String SPARSE_MAJOR = "GNU.sparse.major";
    private static final String SPARSE_MINOR = "GNU.sparse.minor";
    private static final String SPARSE_SIZE = "GNU.sparse.size";
    private static final String SPARSE_REAL_SIZE = "GNU.sparse.realsize";
    private static final String TIME = "mtime";
    /** All others are of no use here, and take no memory. */
    private static final Set<String> KNOWN = Set.of(
            PATH,
            LINK,
            SIZE,
            UID,
            GID,
            TIME,
            SPARSE_NAME,
            SPARSE_MAP,
            SPARSE_MAJOR,
            SPARSE_MINOR,
            SPARSE_SIZE,
            SPARSE_REAL_SIZE);

    private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,18}(\\.[0-9]{0,32})?");
    /** Of a timestamp, as its definition has it. */
    private static final long MIN_SECONDS = -62_135_596_800L;

    private static final long MAX_SECONDS = 253_402_300_799L;
    private static final int NANOS = 9;

    /** Reads records: "LENGTH KEY=VALUE\n", where the length is that of all of it. One without a value takes back what was there. */
    static void read(byte[] bytes, Map<String, ByteString> into) throws SandboxException {
        for (int at = 0; at < bytes.length; ) {
            int digits = at;
            int length = 0;
            while (digits < bytes.length && bytes[digits] >= '0' && bytes[digits] <= '9' && length < bytes.length) {
                length = length * 10 + bytes[digits++] - '0';
            }
            int end = at + length;
            if (length <= digits - at || end > bytes.length || bytes[digits] != ' ' || bytes[end - 1] != '\n') {
                throw TarReader.bad("a damaged pax header");
            }
            int equals = digits + 1;
            while (equals < end && bytes[equals] != '=') {
                equals++;
            }
            if (equals == end) {
                throw TarReader.bad("a damaged pax header");
            }
            String key = new String(bytes, digits + 1, equals - digits - 1, StandardCharsets.UTF_8);
            int size = Math.max(0, end - equals - 2);
            if (size == 0) {
                into.remove(key);
            } else if (KNOWN.contains(key)) {
                if (size > TarPath.MAX_WRITTEN && !key.equals(SPARSE_MAP)) {
                    throw TarReader.bad("a pax header '" + key + "' is too long: " + size + " bytes");
                }
                into.put(key, ByteString.copyFrom(bytes, equals + 1, size));
            }
            at = end;
        }
    }

    Optional<ByteString> text(String key) {
        return Optional.ofNullable(records.get(key));
    }

    long number(String key, long otherwise) throws SandboxException {
        Optional<ByteString> value = text(key);
        return value.isPresent() ? SparseMap.number(value.get().toStringUtf8()) : otherwise;
    }

    Timestamp time(long otherwise) throws SandboxException {
        BigDecimal time = BigDecimal.valueOf(otherwise);
        Optional<ByteString> value = text(TIME);
        if (value.isPresent()) {
            String text = value.get().toStringUtf8();
            if (!NUMBER.matcher(text).matches()) {
                throw TarReader.bad("a time that is no number");
            }
            time = new BigDecimal(text);
        }
        BigDecimal seconds = time.setScale(0, RoundingMode.FLOOR);
        int nanos = time.subtract(seconds).movePointRight(NANOS).intValue();
        long whole = Math.clamp(seconds.longValue(), MIN_SECONDS, MAX_SECONDS);
        return Timestamp.newBuilder().setSeconds(whole).setNanos(nanos).build();
    }

    boolean isSparse() {
        return records.containsKey(SPARSE_NAME)
                || records.containsKey(SPARSE_MAP)
                || records.containsKey(SPARSE_MAJOR)
                || records.containsKey(SPARSE_SIZE);
    }

    /** Returns how large a file is with its holes. */
    long sparseSize() throws SandboxException {
        boolean current = number(SPARSE_MAJOR, 0) == 1 && number(SPARSE_MINOR, 0) == 0;
        if (!current && !records.containsKey(SPARSE_MAP)) {
            throw TarReader.bad("a file with holes in a format that is not known"
                    + " (expected: one of GNU tar's but its version 0.0)");
        }
        return number(SPARSE_REAL_SIZE, number(SPARSE_SIZE, -1));
    }
}
