package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.Labels;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.v1.Label;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sandboxes that are found by what their user says of them. */
class SandboxFilterTest {
    private final FakeWorld world;
    private Sandboxes sandboxes;

    SandboxFilterTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @AfterEach
    void deleteAll() throws Exception {
        for (SandboxView view : sandboxes.listAll()) {
            sandboxes.delete(view.id().value());
        }
    }

    @Test
    void list_hasThoseAlone_ofWhichAllHolds() throws Exception {
        start("web-1", Map.of("team", "a", "env", "test"));
        start("web-2", Map.of("team", "b"));
        start("db", Map.of("team", "a"));
        sandboxes.pause("db");

        assertEquals(List.of("web-1", "web-2", "db"), names(SandboxFilter.LIVE));
        assertEquals(List.of("web-1", "web-2", "db"), names(filter(List.of(label("team")))));
        assertEquals(List.of("web-1", "db"), names(filter(List.of(label("team", "a")))));
        assertEquals(List.of("web-1"), names(filter(List.of(label("team", "a"), label("env")))));
        assertEquals(List.of(), names(filter(List.of(label("team", "")))));
        assertEquals(List.of("web-1", "web-2"), names(filter(List.of(), List.of("web"), Set.of())));
        assertEquals(List.of("web-2", "db"), names(filter(List.of(), List.of("b-2", "db"), Set.of())));
        assertEquals(List.of("db"), names(filter(List.of(), List.of(), Set.of(SandboxView.Phase.PAUSED))));
        assertEquals(
                List.of("web-1"),
                names(filter(List.of(label("team", "a")), List.of("w", "x"), Set.of(SandboxView.Phase.RUNNING))));
    }

    @Test
    void labels_outliveTheAgent_andTheSandbox() throws Exception {
        start("box", Map.of("team", "a"));
        sandboxes.shutdown(Duration.ofSeconds(10));
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(List.of("box"), names(filter(List.of(label("team", "a")))));

        world.started.getFirst().guest.exit(0);
        var _ = sandboxes.processes().await("box", "");
        SandboxFilter ended = filter(List.of(label("team", "a")), List.of(), Set.of(SandboxView.Phase.ENDED));
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }
        assertEquals(List.of("box"), names(ended));
        assertEquals(List.of(), names(filter(List.of(label("team", "a")))));
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
        assertEquals(
                List.of(Label.newBuilder().setKey("team").setValue("a").build()),
                sandboxes.list(ended).getFirst().message().getLabelsList());
    }

    private static SandboxFilter.Label label(String key) {
        return new SandboxFilter.Label(key, Optional.empty());
    }

    private static SandboxFilter.Label label(String key, String value) {
        return new SandboxFilter.Label(key, Optional.of(value));
    }

    private static SandboxFilter filter(List<SandboxFilter.Label> labels) {
        return filter(labels, List.of(), Set.of());
    }

    private static SandboxFilter filter(
            List<SandboxFilter.Label> labels, List<String> names, Set<SandboxView.Phase> phases) {
        return new SandboxFilter(false, labels, names, phases);
    }

    private List<String> names(SandboxFilter filter) throws InterruptedException {
        return sandboxes.list(filter).stream().map(view -> view.name().value()).toList();
    }

    private void start(String name, Map<String, String> labels) throws Exception {
        RunOrder order = FakeWorld.order(
                RunTest.spec(ClientLostPolicy.KEEP, world.root(), false, name, Hypervisors.DEFAULT_URI));
        RecordingObserver client = new RecordingObserver();
        var _ = sandboxes.run(
                new RunOrder(
                        order.sandbox(),
                        order.process(),
                        order.timeout(),
                        order.client(),
                        false,
                        false,
                        order.kept(),
                        List.of(),
                        new Labels(labels),
                        Lifetime.UNLIMITED),
                client);
        client.awaitStarted();
    }
}
