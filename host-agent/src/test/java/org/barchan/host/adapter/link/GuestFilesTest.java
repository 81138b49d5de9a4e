package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.barchan.guest.v1.FileServiceGrpc;
import org.barchan.guest.v1.ListDirectoryRequest;
import org.barchan.guest.v1.ListDirectoryResponse;
import org.barchan.guest.v1.ReadFileRequest;
import org.barchan.guest.v1.ReadFileResponse;
import org.barchan.guest.v1.StatFileRequest;
import org.barchan.guest.v1.StatFileResponse;
import org.barchan.guest.v1.WriteFileFailure;
import org.barchan.guest.v1.WriteFileRequest;
import org.barchan.guest.v1.WriteFileResponse;
import org.barchan.host.port.GuestFiles;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.v1.DirectoryEntry;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;
import org.barchan.v1.WriteFileStart;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an agent takes of what a guest says of files, and how it sends one. */
@Timeout(60)
final class GuestFilesTest extends FileServiceGrpc.FileServiceImplBase {
    private static final FileInfo FILE =
            FileInfo.newBuilder().setType(FileType.FILE_TYPE_REGULAR).build();

    private final NettyGuestLink link = new NettyGuestLink();
    private final TestGuest peer;
    private final org.barchan.host.port.Guest guest;
    private final GuestFiles files;

    private volatile FileInfo info = FILE;
    private volatile List<ReadFileResponse> pieces = List.of();
    private volatile List<DirectoryEntry> entries = List.of();
    private volatile Optional<WriteFileResponse> failure = Optional.empty();
    private final List<WriteFileRequest> written = new CopyOnWriteArrayList<>();
    private final CountDownLatch cancelled = new CountDownLatch(1);

    GuestFilesTest(@TempDir Path directory) throws IOException {
        peer = new TestGuest(directory, Optional.of(this));
        guest = link.open(SandboxId.random(), peer.socket);
        files = guest.files();
    }

    @AfterEach
    void stop() throws IOException {
        guest.close();
        link.close();
        peer.close();
    }

    @Override
    public void statFile(StatFileRequest request, StreamObserver<StatFileResponse> observer) {
        observer.onNext(StatFileResponse.newBuilder().setInfo(info).build());
        observer.onCompleted();
    }

    @Override
    public void listDirectory(ListDirectoryRequest request, StreamObserver<ListDirectoryResponse> observer) {
        observer.onNext(
                ListDirectoryResponse.newBuilder().addAllEntries(entries).build());
        observer.onCompleted();
    }

    @Override
    public void readFile(ReadFileRequest request, StreamObserver<ReadFileResponse> observer) {
        pieces.forEach(observer::onNext);
        observer.onCompleted();
    }

    @Override
    public StreamObserver<WriteFileRequest> writeFile(StreamObserver<WriteFileResponse> observer) {
        return new StreamObserver<>() {
            @Override
            public void onNext(WriteFileRequest request) {
                if (written.size() < 10) {
                    written.add(request);
                }
                if (request.hasStart()) {
                    failure.ifPresent(observer::onNext);
                }
            }

            @Override
            public void onError(Throwable error) {
                cancelled.countDown();
            }

            @Override
            public void onCompleted() {
                observer.onNext(WriteFileResponse.newBuilder().setInfo(info).build());
                observer.onCompleted();
            }
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "/", "a/b", "../a", "a\0b", "/etc"})
    void list_nameThatLeadsElsewhere_isRefused(String name) {
        entries = List.of(entry(name));
        refused(() -> files.list(org.barchan.v1.ListDirectoryRequest.getDefaultInstance(), _ -> {}));
    }

    @Test
    void list_tooMuchAtOnce_isRefused() {
        entries = List.of(entry("x".repeat(256)));
        refused(() -> files.list(org.barchan.v1.ListDirectoryRequest.getDefaultInstance(), _ -> {}));
        entries = java.util.Collections.nCopies(129, entry("x"));
        refused(() -> files.list(org.barchan.v1.ListDirectoryRequest.getDefaultInstance(), _ -> {}));
        entries = List.of();
        refused(() -> files.list(org.barchan.v1.ListDirectoryRequest.getDefaultInstance(), _ -> {}));
    }

    @Test
    void stat_valuesThatNoFileHas_areRefused() {
        for (FileInfo bad : List.of(
                FileInfo.getDefaultInstance(),
                FILE.toBuilder().setTypeValue(99).build(),
                FILE.toBuilder().setMode(010000).build(),
                FILE.toBuilder().setMode(-1).build(),
                FILE.toBuilder().setSizeBytes(-1).build(),
                FILE.toBuilder().setLinkTarget(bytes("x")).build(),
                FILE.toBuilder()
                        .setModifyTime(Timestamp.newBuilder().setNanos(-1))
                        .build(),
                FILE.toBuilder()
                        .setType(FileType.FILE_TYPE_DIRECTORY)
                        .setSizeBytes(1)
                        .build(),
                FILE.toBuilder().setType(FileType.FILE_TYPE_SYMLINK).build(),
                FILE.toBuilder()
                        .setType(FileType.FILE_TYPE_SYMLINK)
                        .setLinkTarget(bytes("a\0b"))
                        .build(),
                FILE.toBuilder()
                        .setType(FileType.FILE_TYPE_SYMLINK)
                        .setLinkTarget(bytes("x".repeat(4096)))
                        .build())) {
            info = bad;
            refused(() -> files.stat(org.barchan.v1.StatFileRequest.getDefaultInstance()));
        }
    }

    @Test
    void read_contentThatNoFileHas_isRefused() {
        refusedRead(0);
        refusedRead(9, data("x"));
        refusedRead(9, ReadFileResponse.getDefaultInstance());
        refusedRead(9, first(FILE), first(FILE));
        refusedRead(9, first(FILE.toBuilder().setType(FileType.FILE_TYPE_FIFO).build()));
        refusedRead(9, first(FILE), data(""));
        refusedRead(9, first(FILE), data("0123456789"));
        refusedRead(9, first(FILE), data("01234"), data("56789"));
        refusedRead(9, first(FILE), hole(0));
        refusedRead(9, first(FILE), hole(-1));
        refusedRead(9, first(FILE), hole(10));
        refusedRead(1 << 20, first(FILE), data("x".repeat(65537)));
    }

    @Test
    void read_honestly_isTakenInItsOrder() throws Exception {
        pieces = List.of(first(FILE), data("ab"), hole(3), data("c"));
        List<String> taken = new ArrayList<>();

        files.read(
                org.barchan.v1.ReadFileRequest.getDefaultInstance(),
                piece -> taken.add(piece.getPieceCase() + piece.getData().toStringUtf8() + piece.getHoleBytes()));

        assertEquals(List.of("INFO0", "DATAab0", "HOLE_BYTES3", "DATAc0"), taken);
    }

    @Test
    void write_answerThatSaysNothing_isRefused() {
        for (WriteFileResponse answer : List.of(
                failure(0),
                WriteFileResponse.getDefaultInstance(),
                WriteFileResponse.newBuilder().setInfo(FILE).build())) {
            written.clear();
            failure = Optional.of(answer);
            refused(() -> files.write(WriteFileStart.getDefaultInstance(), GuestFilesTest::endless));
        }
    }

    private static org.barchan.v1.WriteFileRequest endless() {
        return org.barchan.v1.WriteFileRequest.newBuilder()
                .setData(bytes("x".repeat(60_000)))
                .build();
    }

    private static WriteFileResponse failure(int code) {
        return WriteFileResponse.newBuilder()
                .setFailure(WriteFileFailure.newBuilder().setCode(code).setMessage("/f: no\u001bspace"))
                .build();
    }

    @Test
    void write_whatTheGuestSaysNoTo_saysWhy() throws Exception {
        failure = Optional.of(failure(Status.Code.RESOURCE_EXHAUSTED.value()));

        SandboxException e = assertThrows(
                SandboxException.class,
                () -> files.write(WriteFileStart.getDefaultInstance(), GuestFilesTest::endless));

        assertEquals(SandboxException.Code.EXHAUSTED, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("/f: no\\u001bspace"), e::toString);
        assertTrue(cancelled.await(30, TimeUnit.SECONDS));
    }

    @Test
    void write_whoseSourceFails_isCancelled() throws Exception {
        assertThrows(
                IOException.class,
                () -> files.write(WriteFileStart.getDefaultInstance(), () -> {
                    throw new IOException("the client is gone");
                }));
        assertTrue(cancelled.await(30, TimeUnit.SECONDS));
    }

    @Test
    void write_ofAFile_arrives() throws Exception {
        Iterator<org.barchan.v1.WriteFileRequest> source = List.of(
                        org.barchan.v1.WriteFileRequest.newBuilder()
                                .setData(bytes("ab"))
                                .build(),
                        org.barchan.v1.WriteFileRequest.newBuilder()
                                .setHoleBytes(7)
                                .build())
                .iterator();

        files.write(
                WriteFileStart.newBuilder()
                        .setPath(bytes("/f"))
                        .setSandbox("box")
                        .build(),
                () -> source.hasNext() ? source.next() : null);

        assertEquals("/f", written.get(0).getStart().getPath().toStringUtf8());
        assertEquals("ab", written.get(1).getData().toStringUtf8());
        assertEquals(7, written.get(2).getHoleBytes());
    }

    private void refusedRead(long length, ReadFileResponse... sent) {
        pieces = List.of(sent);
        refused(() -> files.read(
                org.barchan.v1.ReadFileRequest.newBuilder()
                        .setLengthBytes(length)
                        .build(),
                _ -> {}));
    }

    private static void refused(org.junit.jupiter.api.function.Executable call) {
        SandboxException e = assertThrows(SandboxException.class, call);
        assertEquals(SandboxException.Code.LOST, e.code(), e::toString);
        assertTrue(String.valueOf(e.getMessage()).contains("guest sent"), e::toString);
    }

    private static DirectoryEntry entry(String name) {
        return DirectoryEntry.newBuilder().setName(bytes(name)).setInfo(FILE).build();
    }

    private static ReadFileResponse first(FileInfo info) {
        return ReadFileResponse.newBuilder().setInfo(info).build();
    }

    private static ReadFileResponse data(String data) {
        return ReadFileResponse.newBuilder().setData(bytes(data)).build();
    }

    private static ReadFileResponse hole(long bytes) {
        return ReadFileResponse.newBuilder().setHoleBytes(bytes).build();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }
}
