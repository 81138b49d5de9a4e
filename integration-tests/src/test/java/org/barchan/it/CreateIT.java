package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code barchan create} and {@code barchan start}. */
class CreateIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @AfterEach
    void deleteAll() {
        barchan.call("list", "--all", "--quiet")
                .expect(0)
                .out()
                .lines()
                .forEach(id -> barchan.call("delete", id).expect(0));
        barchan.awaitNoSandbox();
    }

    @Test
    void created_isStartedByTheNextAgent_once() {
        String id = barchan.call("create", "--name", "box", "--env", "WORD=hello", "--", "sh", "-c", "echo $WORD")
                .expect(0)
                .out();
        assertEquals(0, barchan.processes(HostProcess.Kind.QEMU).size());
        barchan.call("run", "--name", "box", "--", "true").expect(125).expectStderr("created and not started");
        barchan.call("wait", "box").expect(125).expectStderr("was not started");
        barchan.agent().kill();
        assertEquals("", barchan.call("list", "--quiet").expect(0).out());
        assertEquals(
                id,
                barchan.call("list", "--quiet", "--filter", "state=created")
                        .expect(0)
                        .out());
        barchan.call("rename", "box", "job").expect(0);
        assertEquals("job\n", barchan.call("start", "job").expect(0).out());
        assertEquals("0\n", barchan.call("wait", "job").expect(0).out());
        assertEquals("hello\n", barchan.call("logs", id.strip()).expect(0).out());
        barchan.call("start", "job").expect(125).expectStderr("started once|was started before|being taken down");
        barchan.call("start", "nobody").expect(125).expectStderr("no sandbox of the id or name 'nobody'");
    }

    @Test
    void attachedStart_hasTheStreams_andTheStatus() {
        barchan.call("create", "--name", "box", "--", "sh", "-c", "cat; echo err >&2; exit 7")
                .expect(0);
        try (Running run = Barchan.launch(barchan.builder("start", "--attach", "box"))) {
            run.write("in\n").closeStdin();
            Result result = run.result().expect(7);
            assertEquals("in\n", result.out());
            assertTrue(result.err().endsWith("err\n"), result::toString);
        }
    }

    @Test
    void startThatFails_leavesItAsItWas() {
        String json = barchan.call("create", "--name", "box", "--kernel", "/nowhere", "--output", "json", "--", "true")
                .expect(0)
                .out();
        assertEquals(
                "created",
                JsonParser.parseString(json)
                        .getAsJsonObject()
                        .getAsJsonObject("sandbox")
                        .get("state")
                        .getAsString());
        barchan.call("start", "box").expect(125).expectStderr("/nowhere");
        assertEquals(
                1,
                barchan.call("list", "--quiet", "--filter", "state=created")
                        .expect(0)
                        .out()
                        .lines()
                        .count());
        barchan.call("rm", "box").expect(0);
        barchan.call("start", "box").expect(125).expectStderr("no sandbox of the id or name 'box'");
    }
}
