package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.StringJoiner;
import org.barchan.host.port.TreeEntry;
import org.barchan.host.sandbox.SandboxException;

/** Names in archives, of which none is to lead out of the directory where they are unpacked. */
final class TarPath {
    static final int MAX_PATH = 4095;
    /** Of a name as it is in an archive, with parts "." and slashes that are dropped. */
    static final int MAX_WRITTEN = 2 * MAX_PATH;

    private static final int MAX_NAME = 255;

    private TarPath() {}

    /**
     * Returns a name as a path below a directory; empty for the directory itself. Slashes at its ends, and parts ".", are dropped.
     *
     * @throws SandboxException {@code INVALID}
     */
    static ByteString below(ByteString name) throws SandboxException {
        StringJoiner path = new StringJoiner("/");
        int depth = 0;
        // As characters of one byte each.
        for (String part : name.toString(StandardCharsets.ISO_8859_1).split("/", -1)) {
            if (part.equals("..") || part.indexOf(0) >= 0) {
                throw invalid(name, "it leads out of the directory (expected: no part '..', and no NUL)");
            }
            if (part.length() > MAX_NAME) {
                throw invalid(name, "a part of it has more than " + MAX_NAME + " bytes");
            }
            if (!part.isEmpty() && !part.equals(".")) {
                path.add(part);
                depth++;
            }
        }
        if (path.length() > MAX_PATH || depth > TreeEntry.MAX_DEPTH + 1) {
            throw invalid(
                    name,
                    "it is too long (expected: at most " + MAX_PATH + " bytes, and " + TreeEntry.MAX_DEPTH
                            + " directories)");
        }
        return ByteString.copyFrom(path.toString(), StandardCharsets.ISO_8859_1);
    }

    private static SandboxException invalid(ByteString name, String problem) {
        return TarReader.bad("entry '" + name.toStringUtf8() + "': " + problem);
    }
}
