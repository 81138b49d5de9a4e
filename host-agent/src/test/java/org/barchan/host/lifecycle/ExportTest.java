package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.Change;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Changes of overlays, while a sandbox runs and when its process has ended. */
@Timeout(60)
final class ExportTest {
    private final FakeWorld world;
    private final Sandboxes sandboxes;
    private final RecordingObserver observer = new RecordingObserver();

    ExportTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @Test
    void read_ofNoSandbox_isNotFound() {
        SandboxException e = assertThrows(SandboxException.class, () -> sandboxes.readChanges("none", change -> {}));
        assertEquals(Code.NOT_FOUND, e.code());
    }

    @Test
    void read_ofARunningSandbox_isTheGuests() throws Exception {
        FakeGuest guest = start(false);
        guest.changes = List.of(change("/a"), change("/b"));
        List<String> seen = new ArrayList<>();

        sandboxes.readChanges("box", change -> seen.add(change.getPath().toStringUtf8()));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        sandboxes.exportChanges("box", out);

        assertEquals(List.of("/a", "/b"), seen);
        assertEquals("/a\n/b\n", out.toString(java.nio.charset.StandardCharsets.UTF_8));
    }

    @Test
    void end_withChanges_tellsThemBeforeIt() throws Exception {
        FakeGuest guest = start(true);
        guest.changes = List.of(change("/a"));

        guest.exit(3);

        assertEquals(3, observer.termination().getExitCode());
        assertEquals(List.of("/a\n", "whole"), observer.changes);
    }

    @Test
    void end_withChangesThatCantBeRead_keepsTheStatus() throws Exception {
        world.fail("guest.readChanges", Code.LOST);
        FakeGuest guest = start(true);

        guest.exit(3);

        assertEquals(3, observer.termination().getExitCode());
        assertEquals(List.of(), observer.changes);
        assertTrue(
                observer.progress.stream().anyMatch(line -> line.startsWith("WARNING exporting the changes failed")),
                () -> String.valueOf(observer.progress));
    }

    @Test
    void end_unlessOrdered_readsNothing() throws Exception {
        FakeGuest guest = start(false);
        guest.changes = List.of(change("/a"));

        guest.exit(0);

        observer.termination();
        assertEquals(List.of(), observer.changes);
    }

    private FakeGuest start(boolean export) throws Exception {
        SandboxSpec spec = FakeWorld.spec(
                "box",
                new Root.Directory(new GuestPath(world.root().toString()), new Access.Overlay(0), Optional.empty()),
                false,
                List.of(),
                List.of());
        RunOrder order = FakeWorld.order(spec);
        var _ = sandboxes.run(
                new RunOrder(order.sandbox(), order.process(), order.timeout(), order.client(), export, false),
                observer);
        observer.awaitStarted();
        return world.started.getFirst().guest;
    }

    private static Change change(String path) {
        return Change.newBuilder().setPath(ByteString.copyFromUtf8(path)).build();
    }
}
