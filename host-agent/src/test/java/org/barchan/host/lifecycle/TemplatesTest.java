package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.ProcessSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Guests that go on from saved ones. */
@Timeout(60)
final class TemplatesTest {
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private final FakeWorld world;
    private final Path templates;
    private final List<String> progress = new ArrayList<>();
    private Sandboxes sandboxes;

    TemplatesTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        world.templates = true;
        templates = directory.resolve("state/templates");
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @ParameterizedTest
    @CsvSource({
        "false, false, 512, qemu:///embed, 'sandbox.no_template: true (expected: false, since a template is asked for)'",
        "true, true, 512, qemu:///embed, 'sandbox.debug: true (expected: false'",
        "false, true, 4097, qemu:///embed, 'sandbox.memory_bytes: 4296015872 (expected: at most 4294967296'",
        "false, true, 512, qemu:///system, 'sandbox.libvirt_uri: ''qemu:///system'' (expected: qemu:///embed'",
    })
    void build_forSandboxesThatHaveNone_isRefused(
            boolean debug, boolean fromTemplate, long mebibytes, String uri, String message) {
        SandboxSpec spec = spec(debug, fromTemplate, MemorySize.ofMebibytes(mebibytes), uri);

        SandboxException e =
                assertThrows(SandboxException.class, () -> build(spec).make());

        assertEquals(Code.INVALID, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains(message), e::getMessage);
        assertEquals(List.of(), world.started);
    }

    @Test
    void build_whereTemplatesAreOff_saysHowToHaveThem() throws Exception {
        world.templates = false;
        sandboxes = world.sandboxes();

        SandboxException e = assertThrows(SandboxException.class, () -> build().make());

        assertEquals(Code.PRECONDITION, e.code());
        assertTrue(String.valueOf(e.getMessage()).contains("End it (kill"), e::getMessage);
    }

    @ParameterizedTest
    @CsvSource({"machine.start, EXHAUSTED", "machine.save, EXHAUSTED", "machine.restore, LOST", "guest.leave, TIMEOUT"})
    void build_whereAStepFails_leavesNothing(String step, Code code) throws Exception {
        world.fail(step, code);

        assertEquals(
                code, assertThrows(SandboxException.class, () -> build().make()).code());

        assertEquals(List.of(), files());
        assertEquals(List.of(), world.leftovers());
        world.mend(step);
        assertTrue(build().make().made());
    }

    @Test
    void build_whoseGuestSaysNothing_fails() throws Exception {
        world.onStart = machine -> machine.guest.timesOut = true;

        assertEquals(
                Code.TIMEOUT,
                assertThrows(SandboxException.class, () -> build().make()).code());

        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void build_whoseMachineDies_fails() throws Exception {
        world.at("guest.hello", () -> {
            world.started.getLast().guest.silent = true;
            world.started.getLast().end(MachineEnd.CRASHED);
        });

        assertEquals(
                Code.LOST,
                assertThrows(SandboxException.class, () -> build().make()).code());

        assertEquals(List.of(), files());
        assertEquals(List.of(), world.leftovers());
    }

    @ParameterizedTest
    @ValueSource(strings = {"bootFiles.prepare", "guest.hello", "machine.save", "machine.restore"})
    void build_cancelled_leavesNothing(String step) throws Exception {
        TemplateBuild build = build();
        world.at(step, build::cancel);

        assertThrows(InterruptedException.class, build::make);

        assertEquals(List.of(), files());
        assertEquals(List.of(), world.leftovers());
        world.at(step, () -> {});
        assertTrue(build().make().made());
    }

    @Test
    void build_makesWhatRunsGoOnFrom_once() throws Exception {
        TemplateBuild.Result made = build().make();

        assertTrue(made.made());
        assertEquals(
                List.of(
                        "INFO preparing the kernel",
                        "WARNING KVM does not work here (there is no /dev/kvm): using emulation (TCG), which is slow and no security boundary",
                        "INFO booting Linux 6.1.0-fake under TCG for a template",
                        "INFO saving it",
                        "INFO trying it out"),
                progress);
        assertEquals(List.of(templates.resolve(made.template().id())), files());
        run();
        assertEquals(Optional.of(files().getFirst()), world.specs.getLast().saved());
        TemplateBuild.Result found = build().make();
        assertFalse(found.made());
        assertEquals(made.template().id(), found.template().id());
        assertEquals(3, world.specs.size(), "booted, tried out, run");
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void build_ofWhatIsBeingMade_waitsForThat() throws Exception {
        run();
        CountDownLatch saving = new CountDownLatch(1);
        CountDownLatch mayGoOn = new CountDownLatch(1);
        world.at("machine.save", () -> {
            saving.countDown();
            try {
                assertTrue(mayGoOn.await(10, TimeUnit.SECONDS));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        world.timer.advance(PAUSE);
        assertTrue(saving.await(10, TimeUnit.SECONDS));
        TemplateBuild build = sandboxes.templateBuild(spec(true), FakeWorld.CLIENT, (level, message) -> {
            if (message.equals("waiting until another template is made")) {
                mayGoOn.countDown();
            }
        });

        assertFalse(build.make().made());

        assertEquals(1, files().size());
    }

    @Test
    void list_tellsOfEach() throws Exception {
        assertEquals(List.of(), sandboxes.templates());
        Path file = made();
        Template unused = sandboxes.templates().getFirst();
        TemplateDescription description = unused.description().orElseThrow();
        assertEquals(file.getFileName().toString(), unused.id());
        assertEquals(5, unused.bytes());
        assertEquals(Optional.empty(), unused.lastUseTime());
        assertEquals("6.1.0-fake", description.kernelRelease());
        assertEquals(Accelerator.TCG, description.accelerator());
        assertEquals(MemorySize.DEFAULT, description.memory());
        assertEquals(1, description.vcpus());
        assertFalse(description.disks());
        Object changed = Files.getAttribute(file, "unix:ctime");

        run();

        assertEquals(changed, Files.getAttribute(file, "unix:ctime"), "who has read it trusts it until it changes");
        Instant used = sandboxes.templates().getFirst().lastUseTime().orElseThrow();
        assertTrue(used.isAfter(description.createTime()), used + " after " + description.createTime());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "vcpus=many", "\\u1"})
    void describedByGarbage_isListedAndUsed_andPruned(String garbage) throws Exception {
        Path file = made();
        Files.writeString(file.resolveSibling(file.getFileName() + ".about"), garbage);

        Template listed = sandboxes.templates().getFirst();

        assertEquals(Optional.empty(), listed.description());
        run();
        assertEquals(Optional.of(file), world.specs.getLast().saved());
        assertEquals(List.of(listed.id()), ids(sandboxes.pruneTemplates(false)));
        assertEquals(List.of(), everything());
    }

    @Test
    void prune_whatIsOfUse_stays() throws Exception {
        Path file = made();

        assertEquals(List.of(), sandboxes.pruneTemplates(false));

        assertEquals(List.of(file), files());
        assertEquals(1, sandboxes.pruneTemplates(true).size());
        assertEquals(List.of(), everything());
        assertEquals(List.of(), sandboxes.pruneTemplates(true));
    }

    @Test
    void prune_whatTodaysKernelDoesNotMatch_goes() throws Exception {
        String id = made().getFileName().toString();
        world.bootDigest = "another";

        assertEquals(List.of(id), ids(sandboxes.pruneTemplates(false)));

        assertEquals(List.of(), everything());
    }

    @Test
    void prune_whoseKernelIsGone_goes() throws Exception {
        var _ = made();
        world.fail("bootFiles.prepare", Code.INVALID);

        assertEquals(1, sandboxes.pruneTemplates(false).size());
    }

    @Test
    void prune_whereNobodyKnowsWhatIsOfUse_removesNothing() throws Exception {
        Path file = made();
        world.fail("host.emulator", Code.PRECONDITION);

        assertThrows(SandboxException.class, () -> sandboxes.pruneTemplates(false));

        assertEquals(List.of(file), files());
        assertEquals(1, sandboxes.pruneTemplates(true).size());
    }

    @Test
    void run_whoseTemplateIsPrunedBeforeItIsRead_boots() throws Exception {
        var _ = made();
        world.at("machine.restore", () -> {
            try {
                assertEquals(1, sandboxes.pruneTemplates(true).size());
            } catch (SandboxException e) {
                throw new AssertionError(e);
            }
        });

        run();

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_ofAKindThatWasSeen_goesOnFromATemplate() throws Exception {
        Path template = made();

        run();

        MachineSpec last = world.specs.getLast();
        assertEquals(Optional.of(template), last.saved());
        assertEquals(1, last.shares().size());
        List<MachineSpec> making = world.specs.subList(1, 3);
        assertEquals(Optional.empty(), making.getFirst().saved());
        assertEquals(List.of(), making.getFirst().shares(), "a template holds nothing of a sandbox");
        assertTrue(making.getLast().saved().isPresent(), "it is tried out");
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_thatWantsNoTemplate_boots_andHasNoneMade() throws Exception {
        run(false);
        world.timer.advance(PAUSE);
        assertEquals(1, world.specs.size(), "none was ordered");
        var _ = made();

        run(false);

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whoseTemplateCannotBeRestored_boots_andAnotherIsMade() throws Exception {
        Path template = made();
        world.fail("machine.restore", Code.LOST);

        run();

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertFalse(Files.exists(template));
        world.mend("machine.restore");
        make();
        assertTrue(Files.exists(template));
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whoseRestoredGuestSaysNothing_boots() throws Exception {
        var _ = made();
        world.onStart = machine ->
                machine.guest.timesOut = world.specs.getLast().saved().isPresent();

        run();

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_whoseRestoredMachineDies_boots() throws Exception {
        var _ = made();
        world.at("guest.hello", () -> {
            if (world.specs.getLast().saved().isPresent()) {
                world.started.getLast().guest.silent = true;
                world.started.getLast().end(MachineEnd.CRASHED);
            }
        });

        run();

        assertEquals(Optional.empty(), world.specs.getLast().saved());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void make_whatCannotBeRestored_isNotKept() throws Exception {
        run();
        world.fail("machine.restore", Code.LOST);
        CountDownLatch saved = new CountDownLatch(1);
        world.at("machine.save", saved::countDown);

        world.timer.advance(PAUSE);

        assertTrue(saved.await(10, TimeUnit.SECONDS));
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertEquals(List.of(), files());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void reconcile_whatAKilledAgentHadBegun_isRemoved() throws Exception {
        Path template = made();
        for (String left : List.of(
                ".draft-999999999", ".draft-999999999.small", ".draft-999999999.about", "f".repeat(32) + ".about")) {
            Files.writeString(templates.resolve(left), "half");
        }

        sandboxes = world.sandboxes();
        sandboxes.reconcile();

        assertEquals(List.of(template), files());
        assertEquals(2, everything().size());
    }

    private TemplateBuild build() {
        return build(spec(true));
    }

    private TemplateBuild build(SandboxSpec spec) {
        return sandboxes.templateBuild(spec, FakeWorld.CLIENT, (level, message) -> progress.add(level + " " + message));
    }

    private static List<String> ids(List<Template> all) {
        return all.stream().map(Template::id).toList();
    }

    private SandboxSpec spec(boolean fromTemplate) {
        return spec(false, fromTemplate, MemorySize.DEFAULT, Hypervisors.DEFAULT_URI);
    }

    private SandboxSpec spec(boolean debug, boolean fromTemplate, MemorySize memory, String uri) {
        SandboxSpec spec = RunTest.spec(ClientLostPolicy.DELETE, world.root(), debug, "box", uri);
        return new SandboxSpec(
                spec.name(),
                spec.root(),
                spec.exposeHostRoot(),
                spec.mounts(),
                spec.disks(),
                memory,
                spec.vcpus(),
                spec.kernel(),
                spec.kernelArguments(),
                spec.accelerator(),
                spec.libvirtUri(),
                spec.debug(),
                fromTemplate,
                spec.clientLostPolicy());
    }

    private Path made() throws Exception {
        run();
        return make();
    }

    /** Has the template made that was missing; returns it. */
    private Path make() throws Exception {
        world.timer.advance(PAUSE);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (files().stream().noneMatch(file -> !file.getFileName().toString().startsWith("."))
                || !world.leftovers().isEmpty()) {
            assertTrue(System.nanoTime() < deadline, () -> "no template; left: " + world.machines);
            Thread.onSpinWait();
        }
        assertEquals(1, files().size());
        return files().getFirst();
    }

    /** Without what describes them. */
    private List<Path> files() throws IOException {
        return everything().stream()
                .filter(file -> !file.toString().endsWith(".about"))
                .toList();
    }

    private List<Path> everything() throws IOException {
        if (!Files.exists(templates)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(templates)) {
            return all.toList();
        }
    }

    /** Runs something to its end; returns when nothing of it is left. */
    private void run() throws Exception {
        run(true);
    }

    private void run(boolean fromTemplate) throws Exception {
        RecordingObserver observer = new RecordingObserver();
        var _ = sandboxes.run(
                new RunOrder(
                        spec(fromTemplate),
                        ProcessSpec.newBuilder()
                                .addArgv(FakeWorld.bytes("true"))
                                .build(),
                        Optional.empty(),
                        FakeWorld.CLIENT,
                        false,
                        false),
                observer);
        observer.awaitStarted();
        world.started.getLast().guest.exit(0);
        assertEquals(0, observer.termination().getExitCode());
        while (!sandboxes.list().isEmpty()) {
            Thread.onSpinWait();
        }
    }
}
