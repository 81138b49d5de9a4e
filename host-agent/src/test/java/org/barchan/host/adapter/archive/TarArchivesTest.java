package org.barchan.host.adapter.archive;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.barchan.host.port.ChangeTaker;
import org.barchan.host.port.Guest;
import org.barchan.v1.Change;
import org.barchan.v1.ChangeKind;
import org.barchan.v1.FileType;
import org.junit.jupiter.api.Test;

final class TarArchivesTest {
    @Test
    void write_nothing_isAnEmptyArchive() throws Exception {
        assertEquals(List.of(), entries(taker -> {}));
    }

    @Test
    void write_filesOfEachKind_areThere() throws Exception {
        String longName = "/" + "d".repeat(200) + "/" + "f".repeat(200);
        List<String> entries = entries(taker -> {
            taker.change(added("/a", FileType.FILE_TYPE_REGULAR).setSizeBytes(5).build());
            taker.data(ByteString.copyFromUtf8("he"));
            taker.data(ByteString.copyFromUtf8("llo"));
            taker.change(added("/empty", FileType.FILE_TYPE_REGULAR).build());
            taker.change(
                    added("/d", FileType.FILE_TYPE_DIRECTORY).setReplaced(true).build());
            taker.change(added("/d/l", FileType.FILE_TYPE_SYMLINK)
                    .setLinkTarget(ByteString.copyFromUtf8("../../x"))
                    .build());
            taker.change(added("/d/fifo", FileType.FILE_TYPE_FIFO).build());
            taker.change(added("/d/socket", FileType.FILE_TYPE_SOCKET).build());
            taker.change(added("/d/null", FileType.FILE_TYPE_CHARACTER_DEVICE)
                    .setDeviceMajor(1)
                    .setDeviceMinor(3)
                    .build());
            taker.change(added("/", FileType.FILE_TYPE_DIRECTORY).build());
            taker.change(added(longName, FileType.FILE_TYPE_REGULAR).build());
            taker.change(Change.newBuilder()
                    .setPath(ByteString.copyFromUtf8("/d/gone"))
                    .setKind(ChangeKind.CHANGE_KIND_DELETED)
                    .build());
        });

        assertEquals(
                List.of(
                        "a 640 4000000000:5 60 hello",
                        "empty 640 4000000000:5 60 ",
                        "d/ 640 4000000000:5 60 ",
                        "d/.wh..wh..opq 644 0:0 0 ",
                        "d/l 640 4000000000:5 60 -> ../../x",
                        "d/fifo 640 4000000000:5 60 ",
                        "d/null 640 4000000000:5 60 1:3",
                        "./ 640 4000000000:5 60 ",
                        longName.substring(1) + " 640 4000000000:5 60 ",
                        "d/.wh.gone 644 0:0 0 "),
                entries);
    }

    @Test
    void write_nameThatIsNoText_keepsItsBytes() throws Exception {
        byte[] name = {'/', (byte) 0xFF, '\n', (byte) 0xC3};
        Change change = added("/", FileType.FILE_TYPE_REGULAR)
                .setPath(ByteString.copyFrom(name))
                .build();

        assertEquals(List.of("\u00ff\n\u00c3 640 4000000000:5 60 "), entries(taker -> taker.change(change)));
    }

    private static Change.Builder added(String path, FileType type) {
        return Change.newBuilder()
                .setPath(ByteString.copyFromUtf8(path))
                .setKind(ChangeKind.CHANGE_KIND_ADDED)
                .setType(type)
                .setMode(0640)
                .setUid((int) 4_000_000_000L)
                .setGid(5)
                .setModifyTime(Timestamp.newBuilder().setSeconds(60));
    }

    private interface Changes {
        void giveTo(ChangeTaker taker) throws IOException, InterruptedException;
    }

    /** Returns what an archive of changes holds. */
    private static List<String> entries(Changes changes) throws Exception {
        Guest guest = (Guest) Proxy.newProxyInstance(
                Guest.class.getClassLoader(), new Class<?>[] {Guest.class}, (proxy, method, arguments) -> {
                    changes.giveTo((ChangeTaker) arguments[1]);
                    return null;
                });
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new TarArchives().write(guest, out);
        List<String> entries = new ArrayList<>();
        try (var tar = new TarArchiveInputStream(
                new ByteArrayInputStream(out.toByteArray()), StandardCharsets.ISO_8859_1.name())) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                entries.add("%s %o %d:%d %d %s"
                        .formatted(
                                entry.getName(),
                                entry.getMode() & 07777,
                                entry.getLongUserId(),
                                entry.getLongGroupId(),
                                entry.getLastModifiedTime().toInstant().getEpochSecond(),
                                entry.isSymbolicLink()
                                        ? "-> " + entry.getLinkName()
                                        : entry.isCharacterDevice()
                                                ? entry.getDevMajor() + ":" + entry.getDevMinor()
                                                : new String(tar.readAllBytes(), StandardCharsets.UTF_8)));
            }
        }
        return entries;
    }
}
