package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.List;
import org.barchan.guest.v1.ReadTreeResponse;
import org.barchan.guest.v1.TreeEntry;
import org.barchan.guest.v1.TreeExtent;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an agent takes of what a guest says of a tree. */
final class TreeGuardTest {
    private final TreeGuard guard = new TreeGuard("reading files");

    @Test
    void tree_ofAnHonestGuest_isTaken() throws Exception {
        for (String path : new String[] {"", "a", "a/b"}) {
            guard.entry(directory(path));
        }
        guard.entry(linkable("a/b/f", 3));
        guard.data(bytes("abc"));
        guard.entry(file("a/g", 0));
        guard.entry(directory("c"));
        guard.entry(file("c/f", 3).toBuilder().setHardLink(bytes("a/b/f")).build());
        guard.entry(sparse(100, 10, 2, 20, 3));
        guard.data(bytes("abcde"));
        guard.end();
    }

    @Test
    void file_behindALink_isRefused() throws Exception {
        guard.entry(directory(""));
        guard.entry(directory("a"));
        guard.entry(link("a"));
        refused(() -> guard.entry(file("a/f", 0)));
    }

    @Test
    void anything_whereALinkWasTold_isRefused() throws Exception {
        guard.entry(directory(""));
        guard.entry(directory("a"));
        guard.entry(link("a/d"));
        // Another link came in its place meanwhile.
        guard.entry(link("a/d"));
        guard.entry(file("f", 0));
        guard.entry(directory("a"));
        refused(() -> guard.entry(directory("a/d")));
        refused(() -> guard.entry(file("a/d", 0)));
        refused(() -> guard.entry(entry("a/d", FileInfo.newBuilder().setType(FileType.FILE_TYPE_FIFO))));
    }

    @Test
    void anotherName_ofWhatWasNotTold_orALink_isRefused() throws Exception {
        guard.entry(directory(""));
        guard.entry(directory("d"));
        guard.entry(linkable("d/f", 0));
        guard.entry(linkable("g", 0));
        guard.entry(file("h", 0));
        guard.entry(name("i", "d/f"));
        guard.entry(name("j", "g"));
        for (String target : List.of("h", "d", "none", "i")) {
            refused(() -> guard.entry(name("k", target)));
        }
        guard.entry(link("g"));
        refused(() -> guard.entry(name("k", "g")));
        guard.entry(link("d"));
        refused(() -> guard.entry(name("k", "d/f")));
        guard.entry(link("l"));
        refused(() -> guard.entry(name("k", "l")));
        refused(() -> guard.entry(name("k", "l/passwd")));
        refused(() -> guard.entry(directory("m").toBuilder().setLinkable(true).build()));
    }

    @Test
    void moreThanIsRemembered_isRefused() throws Exception {
        guard.entry(directory(""));
        for (int i = 0; i < 8192; i++) {
            guard.entry(linkable("f" + i, 0));
        }
        refused(() -> guard.entry(linkable("g", 0)));
        for (int i = 0; i < 190_000; i++) {
            guard.entry(link("l" + i));
        }
        SandboxException e = assertThrows(SandboxException.class, () -> guard.entry(link("m")));
        assertEquals(SandboxException.Code.EXHAUSTED, e.code());
        guard.entry(link("l5"));
        refused(() -> guard.entry(file("l0", 0)));
    }

    @Test
    void file_thatIsNotWhereItsTurnIs_isRefused() throws Exception {
        refused(() -> new TreeGuard("x").entry(file("a", 0)));
        guard.entry(directory(""));
        refused(() -> guard.entry(directory("")));
        refused(() -> guard.entry(file("b/f", 0)));
        TreeGuard single = new TreeGuard("x");
        single.entry(file("", 0));
        refused(() -> single.entry(file("a", 0)));
    }

    @ParameterizedTest
    @ValueSource(strings = {".", "..", "/", "/etc", "a/../b", "a//b", "../x", "a\0"})
    void pathThatLeadsElsewhere_isRefused(String path) throws Exception {
        guard.entry(directory(""));
        refused(() -> guard.entry(file(path, 0)));
        refused(() ->
                guard.entry(file("f", 0).toBuilder().setHardLink(bytes(path)).build()));
    }

    @Test
    void pathThatIsTooLong_isRefused() throws Exception {
        guard.entry(directory(""));
        refused(() -> guard.entry(file("x".repeat(256), 0)));
        refused(() -> guard.entry(file("f", 0).toBuilder()
                .setHardLink(bytes("a/".repeat(200) + "a"))
                .build()));
    }

    @Test
    void dataThatNoFileHas_isRefused() throws Exception {
        refused(guard::end);
        guard.entry(directory(""));
        refused(() -> guard.data(bytes("x")));
        guard.entry(file("f", 3));
        refused(() -> guard.data(bytes("")));
        refused(() -> guard.data(bytes("abcd")));
        refused(() -> guard.entry(file("g", 0)));
        refused(guard::end);
        refused(() -> guard.message(ReadTreeResponse.getDefaultInstance()));
    }

    @Test
    void holesThatNoFileHas_areRefused() throws Exception {
        guard.entry(directory(""));
        for (long[] bad : new long[][] {
            {100, 10, 0}, {100, 10, -1}, {100, -1, 5}, {100, 90, 11}, {100, 10, 5, 14, 1}, {100, 50, Long.MAX_VALUE}
        }) {
            long[] extents = Arrays.copyOfRange(bad, 1, bad.length);
            refused(() -> guard.entry(sparse(bad[0], extents)));
        }
        refused(() -> guard.entry(directory("d").toBuilder().setSparse(true).build()));
        long[] many = new long[2050];
        for (int i = 0; i < many.length; i += 2) {
            many[i] = i;
            many[i + 1] = 1;
        }
        refused(() -> guard.entry(sparse(10_000, many)));
    }

    private static void refused(org.junit.jupiter.api.function.Executable call) {
        SandboxException e = assertThrows(SandboxException.class, call);
        assertEquals(SandboxException.Code.LOST, e.code(), e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains("guest sent"), e::toString);
    }

    private static TreeEntry entry(String path, FileInfo.Builder info) {
        return TreeEntry.newBuilder().setPath(bytes(path)).setInfo(info).build();
    }

    private static TreeEntry directory(String path) {
        return entry(path, FileInfo.newBuilder().setType(FileType.FILE_TYPE_DIRECTORY));
    }

    private static TreeEntry link(String path) {
        return entry(
                path, FileInfo.newBuilder().setType(FileType.FILE_TYPE_SYMLINK).setLinkTarget(bytes("/etc")));
    }

    private static TreeEntry file(String path, long size) {
        return entry(
                path, FileInfo.newBuilder().setType(FileType.FILE_TYPE_REGULAR).setSizeBytes(size));
    }

    private static TreeEntry linkable(String path, long size) {
        return file(path, size).toBuilder().setLinkable(true).build();
    }

    private static TreeEntry name(String path, String other) {
        return file(path, 0).toBuilder().setHardLink(bytes(other)).build();
    }

    private static TreeEntry sparse(long size, long... extents) {
        TreeEntry.Builder entry = file("s", size).toBuilder().setSparse(true);
        for (int i = 0; i < extents.length; i += 2) {
            entry.addExtents(TreeExtent.newBuilder().setOffset(extents[i]).setLengthBytes(extents[i + 1]));
        }
        return entry.build();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }
}
