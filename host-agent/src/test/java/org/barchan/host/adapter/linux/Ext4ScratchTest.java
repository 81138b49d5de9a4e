package org.barchan.host.adapter.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.barchan.host.port.ScratchFiles.Scratch;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class Ext4ScratchTest {
    private static final long BLOCK = 512;

    private final Path state;
    private final Ext4Scratch scratch;
    private final HostUser self = new Users().self();

    Ext4ScratchTest(@TempDir Path state) {
        this.state = state;
        this.scratch = new Ext4Scratch(state);
    }

    @Test
    void make_whereNothingCanBeMade_saysWhereAndWhatToDo() throws Exception {
        Files.createFile(state.resolve("scratch"));

        SandboxException e = assertThrows(SandboxException.class, () -> scratch.make(List.of(1L << 20), self));

        assertEquals(SandboxException.Code.PRECONDITION, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("in " + state + "/scratch"), e::toString);
        assertTrue(String.valueOf(e.getMessage()).endsWith("with the mode overlay"), e::toString);
    }

    @Test
    void make_secondThatFails_leavesNothing() throws Exception {
        assertThrows(SandboxException.class, () -> scratch.make(List.of(1L << 20, 1024L), self));

        assertEquals(List.of(), files());
    }

    @Test
    void make_none_touchesNothing() throws Exception {
        scratch.make(List.of(), self).close();
        scratch.removeAbandoned();

        assertTrue(Files.notExists(state.resolve("scratch")));
    }

    @Test
    void make_large_takesLittleRoomAndIsTheOwnersAlone() throws Exception {
        try (Scratch made = scratch.make(List.of(1L << 20, 10L << 30), self)) {
            Path large = made.files().getLast();
            assertEquals(10L << 30, Files.size(large));
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(large)));
            try (var channel = Files.newByteChannel(large)) {
                channel.position(1080);
                var magic = java.nio.ByteBuffer.allocate(2);
                channel.read(magic);
                assertEquals((short) 0x53EF, magic.getShort(0));
            }
            Process du = new ProcessBuilder("du", "-B" + BLOCK, large.toString()).start();
            long blocks = Long.parseLong(
                    new String(du.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.US_ASCII)
                            .split("\t", -1)[0]);
            assertTrue(blocks * BLOCK < 4 << 20, () -> blocks + " blocks");
        }
        assertEquals(List.of(), files());
    }

    @Test
    void removeAbandoned_removesWhatWasNotClosed() throws Exception {
        Scratch left = scratch.make(List.of(1L << 20), self);
        assertEquals(left.files(), files());

        new Ext4Scratch(state).removeAbandoned();

        assertEquals(List.of(), files());
        left.close();
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(state.resolve("scratch"))) {
            return all.toList();
        }
    }
}
