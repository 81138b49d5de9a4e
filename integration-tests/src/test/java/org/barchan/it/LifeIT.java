package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is said of a sandbox, and when it ends. */
class LifeIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @AfterEach
    void deleteAll() {
        barchan.sandboxNames().forEach(name -> barchan.call("delete", name).expect(0));
        barchan.awaitNoSandbox();
    }

    @Test
    void agentKilledWhileItStartsASandbox_isAskedAgain_andMakesOne() {
        barchan.call("list").expect(0);
        HostProcess agent = barchan.agent();
        String id;
        try (Running run = barchan.start("run", "--detach", "--name", "box", "--", "sleep", "3600")) {
            while (barchan.processes(HostProcess.Kind.QEMU).isEmpty()) {
                Thread.onSpinWait();
            }
            agent.kill();
            id = run.result().expect(0).out();
        }
        assertEquals(id, barchan.call("list", "--all", "--quiet").expect(0).out());
        assertEquals(1, barchan.processes(HostProcess.Kind.QEMU).size());
    }

    @Test
    void rename_holdsForTheNextAgent_andForWhatHasEnded() {
        String id = barchan.call("run", "--detach", "--name", "old", "--", "sleep", "3600")
                .expect(0)
                .out();
        barchan.call("rename", "old", "new").expect(0);
        barchan.agent().kill();
        barchan.call("rename", "old", "other").expect(125).expectStderr("no sandbox of the id or name 'old'");
        assertEquals(id.strip(), barchan.sandbox("new").get("id").getAsString());
        assertEquals(
                "old\n",
                barchan.call("exec", "new", "--", "uname", "-n").expect(0).out());
        barchan.call("stop", "new").expect(0);
        barchan.call("rename", "new", "ended").expect(0);
        barchan.call("rm", "ended").expect(0);
    }

    @Test
    void sandboxWhoseTimeIsUp_isEnded_andSaysWhy() {
        barchan.call("run", "--max-lifetime", "1", "--", "sleep", "3600")
                .expect(124)
                .expectStderr("its sandbox's time was up \\(--max-lifetime\\)");
        barchan.call("run", "--detach", "--name", "old", "--max-lifetime", "6", "--", "sleep", "3600")
                .expect(0);
        barchan.agent().kill();
        barchan.call("run", "--detach", "--name", "idle", "--idle-timeout", "1", "--", "sleep", "3600")
                .expect(0);
        barchan.call("wait", "idle").expect(0);
        barchan.call("wait", "old").expect(0);
        barchan.awaitNoSandbox();
        assertEquals("idle", cause("idle"));
        assertEquals("max_lifetime", cause("old"));
        barchan.call("rm", "idle", "old").expect(0);
    }

    private static String cause(String name) {
        return JsonParser.parseString(barchan.call("inspect", name).expect(0).out())
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .getAsJsonObject("termination")
                .get("cause")
                .getAsString();
    }

    @Test
    void labels_areListedBy_alsoByTheNextAgent() {
        String id = barchan.call(
                        "run", "--detach", "--name", "box", "--label", "team=a", "--label", "b", "--", "sleep", "3600")
                .expect(0)
                .out();
        barchan.agent().kill();
        assertEquals(
                id,
                barchan.call("list", "--quiet", "--filter", "label=team=a", "--filter", "state=running")
                        .expect(0)
                        .out());
        assertEquals(
                "",
                barchan.call("list", "-q", "--filter", "label=team=b").expect(0).out());
        assertEquals(
                JsonParser.parseString("{b: '', team: 'a'}"),
                barchan.sandbox("box").get("labels"));
    }
}
