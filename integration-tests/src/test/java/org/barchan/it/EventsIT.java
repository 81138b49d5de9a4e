package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What happens to sandboxes, as whoever watches gets it, whatever dies meanwhile. */
class EventsIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @AfterAll
    static void noneIsLeft() {
        barchan.awaitNoSandbox();
    }

    @Test
    void whatMakesNoSense_isRefused() {
        barchan.call("events", "--no-follow", "--since", "00000000-7")
                .expect(125)
                .expectStderr("not kept any more");
        barchan.call("events", "--filter", "box").expect(125).expectStderr("sandbox=NAME or type=TYPE");
    }

    @Test
    void agentKilled_watcherGoesOn_nothingTwiceNorMissing() {
        String now = Instant.now().toString();
        try (Running watcher =
                barchan.start("events", "--output", "json", "--since", now, "--filter", "sandbox=watched")) {
            barchan.call("run", "--detach", "--name", "watched", "--", "sleep", "600")
                    .expect(0);
            watcher.awaitOut("sandbox_running");
            barchan.agent().kill();
            watcher.awaitOut("sandbox_adopted");
            barchan.call("exec", "watched", "--", "sh", "-c", "exit 4").expect(4);
            watcher.awaitOut("process_ended");
            barchan.call("kill", "watched").expect(0);
            watcher.awaitOut("sandbox_ended");
            barchan.call("delete", "watched").expect(0);
            watcher.awaitOut("sandbox_deleted");
            List<JsonObject> events = events(watcher.outText());
            assertEquals(
                    List.of(
                            "sandbox_created",
                            "sandbox_running",
                            "sandbox_adopted",
                            "process_started",
                            "process_ended",
                            "sandbox_ended",
                            "sandbox_deleted"),
                    types(events));
            assertEquals(
                    4,
                    events.get(4).getAsJsonObject("termination").get("exitCode").getAsInt());
            Result again = barchan.call(
                            "events",
                            "--no-follow",
                            "--output",
                            "json",
                            "--filter",
                            "sandbox=watched",
                            "--since",
                            events.get(2).get("cursor").getAsString())
                    .expect(0);
            assertEquals(events.subList(3, 7), events(again.out()));
            watcher.signal("INT").result().expect(130);
        }
    }

    @Test
    void agentKilled_withARunThatEndsWithIt_theNextOneSaysSo() {
        String now = Instant.now().toString();
        try (Running run = barchan.start("run", "--name", "lost", "--", "sh", "-c", "echo up; exec sleep 600")) {
            run.awaitOut("up");
            barchan.agent().kill();
            assertTrue(run.result().status() != 0);
        }
        try (Running watcher = barchan.start("events", "--since", now, "--filter", "sandbox=lost")) {
            watcher.awaitOut("sandbox deleted");
            List<String> lines = watcher.outText().lines().toList();
            assertEquals(4, lines.size(), lines::toString);
            assertTrue(lines.get(2).matches(".* sandbox ended b-\\S+ \\(name=lost, cause=.*lost.*"), lines::toString);
            watcher.signal("INT").result().expect(130);
        }
    }

    @Test
    void renamedOne_isFollowedByEitherName() {
        String now = Instant.now().toString();
        barchan.call("run", "--detach", "--name", "before", "--", "sleep", "600")
                .expect(0);
        barchan.call("rename", "before", "after").expect(0);
        barchan.call("delete", "after").expect(0);
        assertEquals(List.of("sandbox_created", "sandbox_running", "sandbox_renamed"), types(of("before", now)));
        List<JsonObject> after = of("after", now);
        assertEquals(List.of("sandbox_renamed", "sandbox_ended", "sandbox_deleted"), types(after));
        assertEquals("before", after.getFirst().get("oldName").getAsString());
    }

    private static List<JsonObject> of(String name, String since) {
        return events(barchan.call(
                        "events", "--no-follow", "--output", "json", "--since", since, "--filter", "sandbox=" + name)
                .expect(0)
                .out());
    }

    private static List<JsonObject> events(String text) {
        return text.lines()
                .map(line -> JsonParser.parseString(line).getAsJsonObject())
                .toList();
    }

    private static List<String> types(List<JsonObject> events) {
        return events.stream().map(event -> event.get("type").getAsString()).toList();
    }
}
