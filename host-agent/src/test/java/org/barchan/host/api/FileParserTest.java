package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileAttributes;
import org.barchan.v1.WriteFileRequest;
import org.barchan.v1.WriteFileStart;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients may say of files. */
final class FileParserTest {
    @ParameterizedTest
    @ValueSource(strings = {"", "a", "/a/../b", "/..", "/.", "/a\0b"})
    void path_thatCantBe_isRefused(String path) {
        refused(() -> FileParser.path("path", ByteString.copyFromUtf8(path)));
    }

    @Test
    void path_withSlashesTooMany_isWithout() throws Exception {
        assertEquals(
                "/a/b",
                FileParser.path("path", ByteString.copyFromUtf8("//a///b/")).toStringUtf8());
        assertEquals("/", FileParser.path("path", ByteString.copyFromUtf8("/")).toStringUtf8());
    }

    @Test
    void attributes_thatNoFileHas_areRefused() {
        refused(() -> FileParser.attributes(
                "a", FileAttributes.newBuilder().setMode(010000).build()));
        refused(() -> FileParser.attributes(
                "a", FileAttributes.newBuilder().setMode(-1).build()));
        refused(() -> FileParser.attributes(
                "a", FileAttributes.newBuilder().setUid(-1).build()));
        refused(() -> FileParser.attributes(
                "a", FileAttributes.newBuilder().setGid(-1).build()));
        refused(() -> FileParser.attributes(
                "a",
                FileAttributes.newBuilder()
                        .setModifyTime(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE))
                        .build()));
    }

    @Test
    void piece_thatIsNone_isRefused() {
        refused(() -> FileParser.piece(WriteFileRequest.getDefaultInstance()));
        refused(() -> FileParser.piece(WriteFileRequest.newBuilder()
                .setStart(WriteFileStart.getDefaultInstance())
                .build()));
        refused(() ->
                FileParser.piece(WriteFileRequest.newBuilder().setHoleBytes(-1).build()));
        refused(() -> FileParser.piece(WriteFileRequest.newBuilder()
                .setData(ByteString.copyFrom(new byte[64 * 1024 + 1]))
                .build()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\0b"})
    void target_thatCantBe_isRefused(String target) {
        refused(() -> FileParser.target(ByteString.copyFromUtf8(target)));
    }

    private static void refused(Executable call) {
        SandboxException e = assertThrows(SandboxException.class, call);
        assertEquals(SandboxException.Code.INVALID, e.code());
    }
}
