package org.barchan.host.adapter.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.barchan.host.port.TreeArchives;
import org.barchan.host.port.TreeEntry;
import org.barchan.host.port.TreeTaker;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Trees as tar archives, there and back, and by way of GNU tar; and archives that are not to be believed. */
final class TarTreesTest {
    private final TarTrees trees = new TarTrees();

    @Test
    void tree_thereAndBack_isTheSame() throws Exception {
        String longName = "d".repeat(200) + "/" + "\u00fc".repeat(100);
        byte[] archive = write(taker -> {
            taker.entry(directory(""));
            taker.entry(file("a", 5));
            taker.data(bytes("he"));
            taker.data(bytes("llo"));
            taker.entry(file("empty", 0));
            taker.entry(new TreeEntry(bytes("b"), file("", 5).info(), bytes("a"), Optional.empty()));
            taker.entry(TreeEntry.of(
                    bytes("l"),
                    info(FileType.FILE_TYPE_SYMLINK)
                            .setLinkTarget(bytes("../../x"))
                            .build()));
            taker.entry(TreeEntry.of(bytes("s"), info(FileType.FILE_TYPE_SOCKET).build()));
            taker.entry(directory("d".repeat(200)));
            taker.entry(file(longName, 1));
            taker.data(bytes("x"));
            taker.entry(TreeEntry.of(
                    ByteString.copyFrom(new byte[] {(byte) 0xff, '\n'}),
                    info(FileType.FILE_TYPE_REGULAR).build()));
        });
        Recorded recorded = read(archive);

        assertEquals(
                List.of(
                        "top DIRECTORY 640 4000000000:5 60",
                        "top/a REGULAR 640 4000000000:5 60 5 hello",
                        "top/empty REGULAR 640 4000000000:5 60 0 ",
                        "top/b REGULAR 640 4000000000:5 60 0  = top/a",
                        "top/l SYMLINK 640 4000000000:5 60 -> ../../x",
                        "top/" + "d".repeat(200) + " DIRECTORY 640 4000000000:5 60",
                        "top/" + new String(longName.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1)
                                + " REGULAR 640 4000000000:5 60 1 x",
                        "top/\u00ff\n REGULAR 640 4000000000:5 60 0 "),
                recorded.entries);
    }

    @Test
    void holes_thereAndBack_takeNoRoom() throws Exception {
        long size = 20L << 30;
        List<TreeEntry.Extent> extents = List.of(new TreeEntry.Extent(4096, 3), new TreeEntry.Extent(10L << 30, 2));
        byte[] archive = write(taker -> {
            taker.entry(directory(""));
            taker.entry(new TreeEntry(bytes("s"), file("", size).info(), ByteString.EMPTY, Optional.of(extents)));
            taker.data(bytes("abcde"));
            taker.entry(new TreeEntry(bytes("t"), file("", size).info(), ByteString.EMPTY, Optional.of(List.of())));
        });
        assertTrue(archive.length <= 20480, "an archive of " + archive.length);
        Recorded recorded = read(archive);
        assertEquals("top/s REGULAR 640 4000000000:5 60 " + size + " abcde " + extents, recorded.entries.get(1));
        assertEquals("top/t REGULAR 640 4000000000:5 60 " + size + "  []", recorded.entries.get(2));
    }

    @Test
    void moreHolesThanMayBeTold_areZeros() throws Exception {
        List<TreeEntry.Extent> extents = new ArrayList<>();
        for (int i = 0; i < 1100; i++) {
            extents.add(new TreeEntry.Extent(i * 10L, 1));
        }
        byte[] archive = write(taker -> {
            taker.entry(directory(""));
            taker.entry(new TreeEntry(bytes("s"), file("", 20_000).info(), ByteString.EMPTY, Optional.of(extents)));
            taker.data(bytes("x".repeat(1100)));
        });
        String entry = read(archive).entries.get(1);
        assertTrue(entry.contains("x".repeat(1023) + "x" + ("\0".repeat(9) + "x").repeat(76) + " "), entry);
    }

    @Test
    void archiveOfGnuTar_isRead(@TempDir Path directory) throws Exception {
        String script = """
                mkdir -p t/sub; echo plain > t/plain; ln t/plain t/sub/other; ln -s plain t/link; mkfifo t/fifo
                truncate -s 1G t/sparse; printf end >> t/sparse; chmod 4750 t/plain
                touch -d @1000000000.5 t/plain; : > t/%1$s
                tar -c%2$sf gnu.tar --format=gnu t; tar -c%2$sf pax.tar --format=pax t; tar -c%2$sf old.tar --format=gnu -S t
                """.formatted("n".repeat(150), "S");
        run(directory, script);
        for (String name : List.of("gnu.tar", "pax.tar", "old.tar")) {
            Recorded recorded = read(Files.readAllBytes(directory.resolve(name)));
            String all = String.join("\n", recorded.entries);
            assertTrue(all.contains(" = t/plain") || all.contains(" = t/sub/other"), all);
            assertTrue(all.contains("t/link SYMLINK"), all);
            assertTrue(all.contains("t/" + "n".repeat(150) + " REGULAR"), all);
            assertTrue(all.matches("(?s).*t/sparse REGULAR [0-9]+ [0-9:]+ [0-9]+ 1073741827 \0*end .*"), all);
            assertTrue(all.contains(" REGULAR 4750 ") && all.contains(" 1000000000 6 plain\n"), all);
            assertEquals(List.of("t/fifo"), recorded.skipped);
        }
    }

    @Test
    void archive_isReadByGnuTar(@TempDir Path directory) throws Exception {
        long size = 1L << 30;
        Files.write(directory.resolve("a.tar"), write(taker -> {
            taker.entry(directory(""));
            taker.entry(file("a", 5));
            taker.data(bytes("hello"));
            taker.entry(new TreeEntry(bytes("b"), file("", 5).info(), bytes("a"), Optional.empty()));
            taker.entry(new TreeEntry(
                    bytes("n".repeat(120)),
                    file("", size).info(),
                    ByteString.EMPTY,
                    Optional.of(List.of(new TreeEntry.Extent(4096, 3)))));
            taker.data(bytes("abc"));
        }));
        run(
                directory,
                "tar -xf a.tar --no-same-owner -m; cd top; stat -c '%n %s %h' *; stat -c %b n*; tail -c +4097 n* | head -c 3");
        String[] out = Files.readString(directory.resolve("out")).split("\n", -1);
        assertEquals("a 5 2", out[0]);
        assertEquals("b 5 2", out[1]);
        assertEquals("n".repeat(120) + " " + size + " 1", out[2]);
        assertTrue(Integer.parseInt(out[3]) < 100, out[3]);
        assertEquals("abc", out[4]);
    }

    private static void run(Path directory, String script) throws IOException, InterruptedException {
        assumeTrue(Files.exists(Path.of("/bin/tar")), "no tar on this host");
        java.lang.Process process = new ProcessBuilder("sh", "-ec", script)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("out").toFile())
                .start();
        assertEquals(0, process.waitFor(), () -> {
            try {
                return Files.readString(directory.resolve("out"));
            } catch (IOException e) {
                return e.toString();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", "../a", "a/../b", "a/..", "/../a"})
    void nameThatLeadsElsewhere_isRefused(String name) throws Exception {
        assertRefused(archive(name), "leads out");
    }

    @Test
    void nameThatIsTooLong_isRefused() throws Exception {
        assertRefused(archive("a/".repeat(200) + "b"), "too long");
        assertRefused(archive("n".repeat(256)), "255");
        assertRefused(archive(("n".repeat(99) + "/").repeat(41)), "too long");
        ByteArrayOutputStream tooLong = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(tooLong)) {
            TarArchiveEntry entry = new TarArchiveEntry(TarConstants.GNU_LONGLINK, TarConstants.LF_GNUTYPE_LONGNAME);
            entry.setSize(2 << 20);
            tar.putArchiveEntry(entry);
            tar.write(new byte[2 << 20]);
            tar.closeArchiveEntry();
        }
        assertRefused(tooLong.toByteArray(), "headers");
    }

    @Test
    void longNamesAndTargets_areReadByGnuTar(@TempDir Path directory) throws Exception {
        String folder = "d".repeat(100);
        Files.write(directory.resolve("a.tar"), write(taker -> {
            taker.entry(directory(""));
            taker.entry(directory(folder));
            taker.entry(file(folder + "/" + "f".repeat(99), 0));
            taker.entry(TreeEntry.of(
                    bytes("l"),
                    info(FileType.FILE_TYPE_SYMLINK)
                            .setLinkTarget(bytes("x/".repeat(2000)))
                            .build()));
            taker.entry(new TreeEntry(
                    bytes("h"), file("", 0).info(), bytes(folder + "/" + "f".repeat(99)), Optional.empty()));
        }));
        run(directory, """
                tar -xf a.tar --no-same-owner; test -f top/%1$s/%2$s; test top/h -ef top/%1$s/%2$s
                test "$(readlink top/l | wc -c)" = 4001
                """.formatted(folder, "f".repeat(99)));
    }

    @Test
    void slashAtTheBeginning_isDropped() throws Exception {
        assertEquals(
                "etc/x REGULAR 644 0:0 0 0 ", read(archive("//etc/./x")).entries.getFirst());
    }

    @Test
    void archiveThatWasCutOff_isRefused() throws Exception {
        byte[] whole = write(taker -> {
            taker.entry(directory(""));
            taker.entry(file("a", 600));
            taker.data(bytes("x".repeat(600)));
        });
        // Each has records for its large user id, a block that says so, and its own.
        int end = 3 * 512 + 3 * 512 + 1024;
        for (int size : new int[] {0, 1, 511, 512, 700, 1536, 1600, 3072, end - 400, end}) {
            assertRefused(Arrays.copyOf(whole, size), "cut off");
        }
        assertEquals(2, read(Arrays.copyOf(whole, end + 512)).entries.size());
    }

    @Test
    void garbage_isRefused() throws Exception {
        assertRefused(new byte[] {0x1f, (byte) 0x8b}, "cut off");
        byte[] noise = new byte[4096];
        Arrays.fill(noise, (byte) 0x55);
        assertRefused(noise, "not compressed");
        byte[] damaged = archive("a");
        damaged[5] ^= 1;
        assertRefused(damaged, "damaged");
    }

    @Test
    void namesOfWhatIsLeftOut_areCheckedAndBounded() throws Exception {
        assertRefused(archive("a/../b", TarConstants.LF_FIFO), "leads out");
        assertRefused(archive("n".repeat(256), TarConstants.LF_FIFO), "255");
        assertRefused(archive("/".repeat(20_000) + "f", TarConstants.LF_FIFO), "too long");
        String longest = ("n".repeat(99) + "/").repeat(40) + "n".repeat(95);
        byte[] one = archive("./" + longest, TarConstants.LF_FIFO);
        ByteArrayOutputStream many = new ByteArrayOutputStream();
        for (int i = 0; i < 110; i++) {
            many.write(one, 0, entriesOf(one));
        }
        many.write(new byte[1024]);
        assertEquals(Collections.nCopies(100, longest), read(many.toByteArray()).skipped);
    }

    /** Returns how much of an archive is before the blocks at its end. */
    private static int entriesOf(byte[] archive) {
        int end = archive.length;
        while (archive[end - 1] == 0) {
            end--;
        }
        return (end + 511) / 512 * 512;
    }

    @Test
    void nameOfAnyFile_thatIsFarTooLong_isRefusedInAShortMessage() throws Exception {
        byte[] archive = archive("/".repeat(20_000) + "..");
        SandboxException refused = assertThrows(SandboxException.class, () -> read(archive));
        assertTrue(String.valueOf(refused.getMessage()).length() < 200, "a long message");
        assertRefused(headers('x', record("path", "n".repeat(9000))), "too long");
    }

    @Test
    void emptyExtents_countToo_andTakeLittleMemory() throws Exception {
        String holes = "GNU.sparse.size";
        read(headers('x', record(holes, "0") + record("GNU.sparse.map", "0,0" + ",0,0".repeat(49_999))));
        assertRefused(
                headers('x', record(holes, "0") + record("GNU.sparse.map", "0,0" + ",0,0".repeat(50_000))), "50000");
        byte[] archive = headers('x', record(holes, "0") + record("GNU.sparse.map", "0" + ",0".repeat(500_000)));
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        assertRefused(archive, "50000");
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < 10_000_000, allocated + " bytes");
    }

    @Test
    void extentsThatAreNoPairsOfNumbers_areRefused() throws Exception {
        for (String map : List.of("0", "0,0,", "0,,0", "-1,1", "0,x", "0,9223372036854775808")) {
            assertRefused(headers('x', record("GNU.sparse.size", "0") + record("GNU.sparse.map", map)), "archive: a ");
        }
    }

    @Test
    void holesOutOfProportion_areNotFilled() throws Exception {
        SandboxException refused = assertThrows(SandboxException.class, () -> holes(Long.MAX_VALUE - 1));
        assertEquals(SandboxException.Code.INVALID, refused.code());
        assertTrue(String.valueOf(refused.getMessage()).contains("to be filled"), refused::toString);
        assertThrows(SandboxException.class, () -> holes(2L << 30));
        assertEquals((1L << 30) + 1, holes(1L << 30).size());
    }

    /** Returns a file of pieces of a byte, one more than may be told, and the last far behind. */
    private static SparseMap holes(long last) throws SandboxException {
        SparseMap.Builder builder = new SparseMap.Builder();
        for (int i = 0; i < TreeEntry.MAX_EXTENTS; i++) {
            builder.add(2L * i, 1);
        }
        builder.add(last, 1);
        return builder.build(last + 1, TreeEntry.MAX_EXTENTS + 1L);
    }

    @Test
    void fillingOfHoles_endsWithWhoWantsIt() throws Exception {
        String map = "0,1"
                + IntStream.range(1, 1024).mapToObj(i -> "," + 2 * i + ",1").collect(Collectors.joining())
                + ",100000000,1";
        byte[] file = headers(
                'x', record("GNU.sparse.size", "100000001") + record("GNU.sparse.map", map) + record("size", "1025"));
        byte[] archive = Arrays.copyOf(file, file.length + 1024);
        assertThrows(
                InterruptedException.class,
                () -> trees.read(new ByteArrayInputStream(archive), new TreeTaker() {
                    @Override
                    public void entry(TreeEntry entry) {
                        assertEquals(100_000_001, entry.info().getSizeBytes());
                    }

                    @Override
                    public void data(ByteString data) {
                        Thread.currentThread().interrupt();
                    }
                }));
    }

    private static String record(String key, String value) {
        int rest = key.length() + value.length() + 3;
        int length = rest + 1;
        while (length != rest + String.valueOf(length).length()) {
            length++;
        }
        return length + " " + key + "=" + value + "\n";
    }

    /** Returns an archive of an empty file with pax headers before it. */
    private static byte[] headers(char type, String records) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
            TarArchiveEntry entry = new TarArchiveEntry("headers", (byte) type);
            byte[] bytes = records.getBytes(StandardCharsets.US_ASCII);
            entry.setSize(bytes.length);
            tar.putArchiveEntry(entry);
            tar.write(bytes);
            tar.closeArchiveEntry();
            tar.putArchiveEntry(new TarArchiveEntry("f", TarConstants.LF_NORMAL));
            tar.closeArchiveEntry();
        }
        return out.toByteArray();
    }

    private void assertRefused(byte[] archive, String reason) {
        SandboxException refused = assertThrows(SandboxException.class, () -> read(archive));
        assertEquals(SandboxException.Code.INVALID, refused.code());
        assertTrue(String.valueOf(refused.getMessage()).contains(reason), refused::toString);
    }

    /** Returns an archive of one empty file. */
    private static byte[] archive(String name) throws IOException {
        return archive(name, TarConstants.LF_NORMAL);
    }

    private static byte[] archive(String name, byte type) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
            TarArchiveEntry entry = new TarArchiveEntry(name, type, true);
            entry.setModTime(0);
            tar.putArchiveEntry(entry);
            tar.closeArchiveEntry();
        }
        return out.toByteArray();
    }

    private byte[] write(TreeArchives.Tree tree) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        trees.write(tree, bytes("top"), out);
        return out.toByteArray();
    }

    private Recorded read(byte[] archive) throws SandboxException, IOException, InterruptedException {
        Recorded recorded = new Recorded();
        TreeArchives.Reading reading = trees.read(new ByteArrayInputStream(archive), recorded);
        recorded.end();
        reading.names().forEach(name -> recorded.skipped.add(name.toStringUtf8()));
        return recorded;
    }

    /** What was read, with bytes as characters. */
    private static final class Recorded implements TreeTaker {
        final List<String> entries = new ArrayList<>();
        final List<String> skipped = new ArrayList<>();
        private final StringBuilder line = new StringBuilder();
        private String after = "";

        private void end() {
            if (!line.isEmpty()) {
                entries.add(line + after);
            }
            line.setLength(0);
            after = "";
        }

        @Override
        public void entry(TreeEntry entry) {
            end();
            FileInfo info = entry.info();
            line.append("%s %s %o %d:%d %d"
                    .formatted(
                            entry.path().toString(StandardCharsets.ISO_8859_1),
                            info.getType().name().substring("FILE_TYPE_".length()),
                            info.getMode(),
                            Integer.toUnsignedLong(info.getUid()),
                            info.getGid(),
                            info.getModifyTime().getSeconds()));
            switch (info.getType()) {
                case FILE_TYPE_REGULAR ->
                    line.append(" ").append(info.getSizeBytes()).append(" ");
                case FILE_TYPE_SYMLINK ->
                    line.append(" -> ").append(info.getLinkTarget().toStringUtf8());
                default -> {}
            }
            if (!entry.hardLink().isEmpty()) {
                after = " = " + entry.hardLink().toStringUtf8();
            }
            entry.extents().ifPresent(extents -> after = " " + extents);
        }

        @Override
        public void data(ByteString data) {
            line.append(data.toString(StandardCharsets.ISO_8859_1));
        }
    }

    private static TreeEntry directory(String path) {
        return TreeEntry.of(bytes(path), info(FileType.FILE_TYPE_DIRECTORY).build());
    }

    private static TreeEntry file(String path, long size) {
        return TreeEntry.of(
                bytes(path), info(FileType.FILE_TYPE_REGULAR).setSizeBytes(size).build());
    }

    private static FileInfo.Builder info(FileType type) {
        return FileInfo.newBuilder()
                .setType(type)
                .setMode(0640)
                .setUid((int) 4_000_000_000L)
                .setGid(5)
                .setModifyTime(Timestamp.newBuilder().setSeconds(60));
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }
}
