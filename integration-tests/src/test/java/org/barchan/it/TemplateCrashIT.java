package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.barchan.it.HostProcess.Kind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** kill -9 while a template is made, a sandbox goes on from it, or guests wait: nothing is left once an agent runs again, which does what is wanted. */
class TemplateCrashIT {
    private static final Duration TOLD = Duration.ofSeconds(30);
    private static final Duration STARTED = Duration.ofSeconds(90);
    private static final String RESTORED = "goes on from a template";

    /** A kind of which there is no template. */
    private static final String MEMORY = "224M";

    @RegisterExtension
    static final Barchan barchan = Barchan.withTemplates();

    @BeforeEach
    void makeTemplate() {
        barchan.call("template", "build").expect(0);
    }

    @AfterEach
    void nothingIsLeft_onceAnAgentRuns() throws IOException {
        barchan.call("list").expect(0);
        barchan.awaitNoSandbox();
        List<HostProcess> left = HostProcess.of(barchan.installation().directories());
        assertEquals(List.of(Kind.AGENT), left.stream().map(HostProcess::kind).toList(), left::toString);
        Path state = barchan.installation().state();
        assertEquals(List.of(), names(state.resolve("templates"), "\\..*"), "drafts");
        assertEquals(List.of(), names(state.resolve("libvirt/in"), ".*"), "sockets that QEMU waited at");
        barchan.call("run", "--verbose", "--", "true").expect(0).expectStderr(RESTORED);
        barchan.awaitNoSandbox();
    }

    @ParameterizedTest
    @ValueSource(strings = {"booting Linux", "saving it", "trying it out"})
    void agentKilled_whileATemplateIsMade_leavesNone(String step) {
        try (Running build = barchan.start("template", "build", "--verbose", "--memory", MEMORY)) {
            build.awaitErr(step);
            barchan.agent().kill();
            build.result(TOLD).expect(125).expectStderr("agent");
        }

        assertTrue(barchan.call("template", "list").expect(0).out().lines().noneMatch(line -> line.contains(MEMORY)));
    }

    @Test
    void qemuKilled_whileATemplateIsMade_saysSo() {
        try (Running build = barchan.start("template", "build", "--verbose", "--memory", MEMORY)) {
            build.awaitErr("booting Linux");
            awaitMachine().kill();
            build.result(TOLD).expect(125).expectStderr("virtual machine|qemu|guest");
        }

        assertTrue(barchan.call("template", "list").expect(0).out().lines().noneMatch(line -> line.contains(MEMORY)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"booting Linux", RESTORED, "command runs"})
    void agentKilled_whileASandboxGoesOn_cliSaysSo(String step) {
        try (Running run = restoring()) {
            run.awaitErr(step);
            barchan.agent().kill();
            run.result(TOLD).expect(125).expectStderr("agent");
        }
    }

    @Test
    void agentKilled_onceTheMachineIsThere_cliSaysSo() {
        try (Running run = restoring()) {
            awaitMachine();
            barchan.agent().kill();
            run.result(TOLD).expect(125).expectStderr("agent");
        }
    }

    @Test
    void qemuKilled_beforeItHasGoneOn_meansAColdBoot() {
        try (Running run = barchan.start("run", "--verbose", "--", "echo", "right")) {
            awaitMachine().kill();

            // It may have been too late for that.
            Result result = run.result();
            if (result.status() == 0) {
                assertEquals("right\n", result.out());
            } else {
                result.expect(125).expectStderr("virtual machine|qemu|guest|sandbox");
            }
        }
        // What could not be taken over was dropped.
        makeTemplate();
    }

    @Test
    void agentKilled_whileGuestsWait_takesThemDown() {
        barchan.agent().terminate();
        ProcessBuilder builder = barchan.builder("run", "--", "true");
        builder.environment().put("BARCHAN_POOL", "2");
        Barchan.launch(builder).result().expect(0);
        // One that is none's.
        await(
                "no guest waits",
                () -> barchan.sandboxNames().isEmpty()
                        && !barchan.processes(Kind.QEMU).isEmpty());
        List<HostProcess> machines = barchan.processes(Kind.QEMU);

        barchan.agent().kill();
        barchan.call("list").expect(0);

        machines.forEach(machine -> machine.awaitEnd(Barchan.CLEANED));
    }

    private static Running restoring() {
        return barchan.start("run", "--verbose", "--", "sh", "-c", "echo 'command runs' >&2; exec sleep 600");
    }

    /** Returns the QEMU of a machine that runs, as soon as it does. */
    private static HostProcess awaitMachine() {
        await("no QEMU is started", () -> machines().findFirst().isPresent());
        return machines().findFirst().orElseThrow();
    }

    /** Not those that libvirt asks what they can do. */
    private static Stream<HostProcess> machines() {
        return barchan.processes(Kind.QEMU).stream()
                .filter(qemu -> qemu.commandLine().contains("guest=barchan-"));
    }

    /** No event tells of a process that another one starts, nor of a line in its log. */
    private static void await(String otherwise, BooleanSupplier condition) {
        long deadline = System.nanoTime() + STARTED.toNanos();
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, otherwise);
            try {
                TimeUnit.MILLISECONDS.sleep(2);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static List<String> names(Path directory, String pattern) throws IOException {
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches(pattern))
                    .toList();
        }
    }
}
