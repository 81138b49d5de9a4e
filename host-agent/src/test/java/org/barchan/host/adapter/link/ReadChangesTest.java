package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.barchan.guest.v1.ReadChangesResponse;
import org.barchan.guest.v1.StepOutcome;
import org.barchan.guest.v1.StepResult;
import org.barchan.host.port.ChangeTaker;
import org.barchan.host.port.Guest;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.Change;
import org.barchan.v1.ChangeKind;
import org.barchan.v1.FileType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an agent takes of a guest's files, and what it does not. */
@Timeout(60)
final class ReadChangesTest implements ChangeTaker {
    private final NettyGuestLink link = new NettyGuestLink();
    private final TestGuest peer;
    private final Guest guest;
    private final List<String> taken = new ArrayList<>();

    ReadChangesTest(@TempDir Path directory) throws IOException {
        peer = new TestGuest(directory);
        guest = link.open(SandboxId.random(), peer.socket);
    }

    @AfterEach
    void stop() throws IOException {
        guest.close();
        link.close();
        peer.close();
    }

    @Override
    public void change(Change change) {
        taken.add(change.getPath().toStringUtf8());
    }

    @Override
    public void data(ByteString data) {
        taken.add(data.toStringUtf8());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "//a",
                "/a/",
                "/a//b",
                "/..",
                "/a/../b",
                "/.",
                "/a/./b",
                "/a\0b",
                "/....//b",
                "/0123456789/0123456789/../../../../etc/passwd"
            })
    void read_pathThatLeadsElsewhere_isRefused(String path) {
        refused(change(file(path)));
    }

    @Test
    void read_valuesThatNoFileHas_areRefused() {
        refused(change(file("/" + "x".repeat(256))));
        refused(change(file("/" + "x/".repeat(7000) + "x")));
        refused(change(file("/a").setSizeBytes(-1)));
        refused(change(file("/a").setMode(010000)));
        refused(change(file("/a").setMode(-1)));
        refused(change(file("/a").setModifyTime(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE))));
        refused(change(file("/a").setModifyTime(Timestamp.newBuilder().setSeconds(Long.MIN_VALUE))));
        refused(change(file("/a").setType(FileType.FILE_TYPE_DIRECTORY).setSizeBytes(1)));
        refused(change(file("/a").setTypeValue(99)));
        refused(change(file("/a").setType(FileType.FILE_TYPE_UNSPECIFIED)));
        refused(change(file("/a").setKindValue(99)));
        refused(change(file("/a").setKind(ChangeKind.CHANGE_KIND_DELETED)));
        refused(change(file("/a").setType(FileType.FILE_TYPE_SYMLINK).setLinkTarget(bytes("x".repeat(20_000)))));
    }

    @Test
    void read_fileAtOrBelowALink_isRefused() {
        refused(change(link("/a")), change(file("/a")));
        refused(change(link("/a")), change(file("/a/b/c")));
        refused(change(link("/a")), change(link("/a")));
        refused(change(link("/d/a")), change(file("/b")), change(file("/d/a/b")));
    }

    @Test
    void read_fileBesideALink_isTaken() throws Exception {
        peer.service.changes = List.of(change(link("/a")), change(file("/ab")), change(file("/b/a")));

        guest.readChanges(true, this);

        assertEquals(List.of("/a", "/ab", "/b/a"), taken);
    }

    @Test
    void read_contentOfAnotherSize_isRefused() {
        refused(data("x"));
        refused(ReadChangesResponse.getDefaultInstance());
        refused(change(file("/a").setSizeBytes(1)), data("xy"));
        refused(change(file("/a").setSizeBytes(2)), data("x"));
        refused(change(file("/a").setSizeBytes(2)), data("x"), change(file("/b")));
        refused(change(file("/a").setSizeBytes(2)), data(""), data("xy"));
        refused(change(file("/a")), data("x"));
    }

    @Test
    void read_honestly_isTakenInItsOrder() throws Exception {
        peer.service.changes = List.of(
                change(file("/a").setSizeBytes(3)), data("xy"), data("z"), change(file("/")), change(file("/...")));

        guest.readChanges(true, this);

        assertEquals(List.of("/a", "xy", "z", "/", "/..."), taken);
    }

    @Test
    void read_takerThatTakesNoMore_endsIt() {
        peer.service.changes = List.of(change(file("/a")), change(file("/b")));

        assertThrows(
                IOException.class,
                () -> guest.readChanges(false, change -> {
                    throw new IOException("full");
                }));
    }

    @Test
    void settle_whatIsNotWritten_isSaid() throws Exception {
        assertEquals(List.of(), guest.settle());
        peer.service.step = StepResult.newBuilder()
                .setStep("write")
                .setOutcome(StepOutcome.STEP_OUTCOME_FAILED)
                .setErrno(28)
                .setMessage("no\u001bspace")
                .build();

        assertEquals(List.of("\"write\": no\\u001bspace (ENOSPC)"), guest.settle());
    }

    private void refused(ReadChangesResponse... items) {
        peer.service.changes = List.of(items);
        SandboxException e = assertThrows(SandboxException.class, () -> guest.readChanges(true, this));
        assertEquals(SandboxException.Code.LOST, e.code(), e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains("guest sent"), e::toString);
    }

    private static Change.Builder file(String path) {
        return Change.newBuilder()
                .setPath(bytes(path))
                .setKind(ChangeKind.CHANGE_KIND_ADDED)
                .setType(FileType.FILE_TYPE_REGULAR);
    }

    private static Change.Builder link(String path) {
        return file(path).setType(FileType.FILE_TYPE_SYMLINK).setLinkTarget(bytes("/etc"));
    }

    private static ReadChangesResponse change(Change.Builder change) {
        return ReadChangesResponse.newBuilder().setChange(change).build();
    }

    private static ReadChangesResponse data(String data) {
        return ReadChangesResponse.newBuilder().setData(bytes(data)).build();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }
}
