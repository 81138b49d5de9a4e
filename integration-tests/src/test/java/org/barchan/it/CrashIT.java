package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.barchan.it.HostProcess.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** kill -9 of each part in each phase: whoever waits is told, and nothing is left once an agent runs again. */
class CrashIT {
    /** Who waits learns of the end of another within this. */
    private static final Duration TOLD = Duration.ofSeconds(30);

    private static final String COMMAND = "echo '" + Phase.RUNNING.line() + "' >&2; exec sleep 600";

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    private static Inventory clean = Inventory.EMPTY;

    @BeforeAll
    static void makeAllThatStays() {
        barchan.call("run", "--", "true").expect(0);
        barchan.awaitNoSandbox();
        clean = barchan.inventory().withoutProcesses();
    }

    @AfterEach
    void nothingIsLeft_onceAnAgentRuns() {
        barchan.call("list").expect(0);
        barchan.awaitNoSandbox();
        clean.awaitSame(barchan.installation(), Barchan.CLEANED, Inventory::withoutProcesses);
        List<HostProcess> left = HostProcess.of(barchan.installation().directories());
        assertEquals(List.of(Kind.AGENT), left.stream().map(HostProcess::kind).toList(), left::toString);
    }

    @ParameterizedTest
    @EnumSource(Phase.class)
    void cliKilled_sandboxIsDeleted(Phase phase) {
        try (Running run = runUntil(phase)) {
            run.signal("KILL").result().expect(137);
        }
    }

    @ParameterizedTest
    @EnumSource(Phase.class)
    void agentKilled_cliSaysSo(Phase phase) {
        try (Running run = runUntil(phase)) {
            barchan.agent().kill();
            run.result(TOLD).expect(125).expectStderr("agent");
        }
    }

    @ParameterizedTest
    @EnumSource(Phase.class)
    void qemuKilled_cliSaysSo(Phase phase) {
        try (Running run = runUntil(phase)) {
            // At the very beginning there may be none yet: then the run is ended like this after it has come up.
            List<HostProcess> machines = barchan.processes(Kind.QEMU);
            if (machines.isEmpty()) {
                run.awaitErr(Phase.BOOTING.line());
                machines = barchan.processes(Kind.QEMU);
            }
            assertEquals(1, machines.size(), machines::toString);
            machines.forEach(HostProcess::kill);
            run.result(TOLD).expect(125).expectStderr("virtual machine|qemu|guest|sandbox");
        }
    }

    @Test
    void agentKilled_whileTearingDown_leavesNothing() {
        // The result is given out before the virtual machine is taken down, which takes a while.
        barchan.call("run", "--", "true").expect(0);
        barchan.agent().kill();
    }

    @Test
    void qemuKilled_whileTearingDown_leavesNothing() {
        barchan.call("run", "--", "true").expect(0);
        barchan.processes(Kind.QEMU).forEach(HostProcess::kill);
    }

    @Test
    void cliKilled_whileTearingDown_leavesNothing() {
        try (Running run = barchan.start("run", "--", "sh", "-c", "echo bye")) {
            // It may have gone by now: the end of the command is told while the virtual machine is taken down.
            run.awaitOut("bye").kill().result();
        }
    }

    @Test
    void agentKilled_whileItExtractsAKernel_leavesNothing(@TempDir Path directory) throws IOException {
        JsonObject kernel = barchan.kernel();
        // Another content, so that it is not in the cache.
        Path image = Files.copy(Path.of(kernel.get("image").getAsString()), directory.resolve("vmlinuz"));
        Files.writeString(image, UUID.randomUUID().toString(), StandardOpenOption.APPEND);
        String modules = "/lib/modules/" + kernel.get("release").getAsString();
        try (Running run = barchan.start(
                        "run", "--verbose", "--kernel", image.toString(), "--kernel-modules", modules, "--", "true")
                .awaitErr("extracting the kernel")) {
            barchan.agent().kill();
            run.result(TOLD).expect(125).expectStderr("agent");
        }
    }

    @Test
    void agentTerminated_whileGuestRuns_takesItDown() {
        try (Running run = runUntil(Phase.RUNNING)) {
            HostProcess agent = barchan.agent();
            agent.terminate();
            agent.awaitEnd(Barchan.CLEANED);
            run.result(TOLD).expect(125).expectStderr("agent");
            assertTrue(barchan.processes(Kind.QEMU).isEmpty(), "a guest outlived the agent that was told to end");
        }
    }

    private static Running runUntil(Phase phase) {
        return barchan.start("run", "--verbose", "--debug", "--", "sh", "-c", COMMAND)
                .awaitErr(phase.line());
    }
}
