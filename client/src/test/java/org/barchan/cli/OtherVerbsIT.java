package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.barchan.client.BarchanClient;
import org.barchan.testing.FakeAgent;
import org.barchan.v1.Accelerator;
import org.barchan.v1.BuildTemplateResponse;
import org.barchan.v1.DiagnoseResponse;
import org.barchan.v1.DiagnosisOutcome;
import org.barchan.v1.Kernel;
import org.barchan.v1.MountMode;
import org.barchan.v1.ProgressLevel;
import org.barchan.v1.RunProgress;
import org.barchan.v1.SandboxSpec;
import org.barchan.v1.Template;
import org.barchan.v1.TemplateKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The verbs but {@code run} as processes, against an agent without sandboxes. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
final class OtherVerbsIT {
    private static final DiagnoseResponse KVM = check("kvm", DiagnosisOutcome.DIAGNOSIS_OUTCOME_WARNING, "hangs", "");
    private static final DiagnoseResponse QEMU = check("qemu", DiagnosisOutcome.DIAGNOSIS_OUTCOME_OK, "7.2", "");
    private static final DiagnoseResponse NO_QEMU =
            check("qemu", DiagnosisOutcome.DIAGNOSIS_OUTCOME_FAILED, "missing", "apt-get install qemu-system-x86");

    private static final Template TEMPLATE = Template.newBuilder()
            .setId("0123456789abcdef0123456789abcdef")
            .setSizeBytes(99_000_000)
            .setCreateTime(Timestamp.newBuilder().setSeconds(1))
            .setKind(TemplateKind.newBuilder()
                    .setKernelRelease("6.1")
                    .setAccelerator(Accelerator.ACCELERATOR_TCG)
                    .setMemoryBytes(1 << 30)
                    .setVcpus(2)
                    .addKernelArguments("nosmt")
                    .addKernelArguments("quiet"))
            .build();
    private static final String TEMPLATE_JSON = "{id: '0123456789abcdef0123456789abcdef', sizeBytes: 99000000,"
            + " createTime: '1970-01-01T00:00:01Z', kernelRelease: '6.1', accelerator: 'tcg', memoryBytes: 1073741824,"
            + " vcpus: 2, disks: false, kernelArguments: ['nosmt', 'quiet']}";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @Test
    void usageErrors_nameTheWordAndTheNearest() throws Exception {
        assertUsage("barchan: no verb", "");
        assertUsage("barchan: unknown verb 'rnu': did you mean 'run'?", "rnu");
        assertUsage("barchan: unknown option '--memroy=1G': did you mean '--memory'?", "run", "--memroy=1G", "ls");
        assertUsage("barchan: unknown argument 'now'", "kernels", "now");
        assertUsage(
                "barchan: option '--idle-timeout' without --keep or --detach",
                "run",
                "--idle-timeout",
                "1m",
                "--",
                "true");
        assertUsage("barchan: no command to run; for example: barchan create -- uname -a", "create", "--name", "box");
        assertUsage("barchan: unknown option '--shell'", "create", "--shell", "--", "true");
        assertUsage("barchan: missing required parameter: 'NAME", "start");
        assertUsage("barchan: option '--attach' with 2 sandboxes", "start", "--attach", "a", "b");
        assertUsage("barchan: option '--no-stdin' without --attach", "start", "--no-stdin", "a");
        assertUsage("barchan: option '--detach-keys' without --attach", "start", "--detach-keys", "ctrl-a", "a");
        assertUsage("barchan: missing required parameter: 'NEW'", "rename", "box");
        assertUsage("barchan: unknown argument 'more'", "rename", "box", "other", "more");
        assertUsage(
                "barchan: invalid value for positional parameter at index 1 (NEW): 'A' is no sandbox name",
                "rename",
                "box",
                "A");
        assertUsage(
                "barchan: invalid value for option '--filter': 'state=dead': no such state",
                "list",
                "--filter",
                "state=dead");
        assertUsage("barchan: option '--quiet' with --output json", "list", "-q", "--output", "json");
        assertUsage("barchan: option '--filter' with NAME", "list", "--filter", "name=a", "box");
        assertUsage("barchan: invalid value for option '--label'", "run", "--label", "=a");
        assertUsage("barchan: missing required parameter: 'NAME", "delete");
        assertUsage("barchan: missing required parameter: 'NAME", "stop");
        assertUsage(
                "barchan: invalid value for option '--signal': 'NONE' is no signal (expected: a name as TERM, SIGHUP or RTMIN+1",
                "stop",
                "-s",
                "NONE",
                "box");
        assertUsage(
                "barchan: invalid value for option '--timeout': 'soon' is no time", "stop", "--timeout", "soon", "box");
        assertUsage("barchan: invalid value for option '--signal': '65' is no signal", "kill", "--signal=65", "box");
        assertUsage("barchan: no completion for 'fish'", "completion", "fish");
        assertUsage("barchan: no verb; for example: barchan template list\nTry 'barchan template --help'", "template");
        assertUsage("barchan: unknown verb 'lsit': did you mean 'list'?", "template", "lsit");
        assertUsage("barchan: unknown verb 'lsit': did you mean 'list'?", "help", "template", "lsit");
        assertUsage("barchan: unknown argument 'now'", "template", "list", "now");
        assertUsage(
                "barchan: invalid value for option '--since': 'yesterday' (expected: a time",
                "events",
                "--since",
                "yesterday");
        assertUsage(
                "barchan: invalid value for option '--until': '12345678-1' (expected: a time",
                "events",
                "--until",
                "12345678-1");
        assertUsage(
                "barchan: invalid value for option '--filter': 'box' (expected: sandbox=NAME",
                "events",
                "--filter",
                "box");
        assertUsage("barchan: invalid value for option '--filter': 'sandbox='", "events", "--filter", "sandbox=");
        assertUsage(
                "barchan: invalid value for option '--filter': 'type=born' (expected: sandbox_created, sandbox_starting,",
                "events",
                "--filter",
                "type=born");
        assertUsage("barchan: unknown argument 'now'", "template", "build", "now");
        assertUsage("barchan: unknown option '--no-template'", "template", "build", "--no-template");
        assertUsage("barchan: invalid value for option '--memory'", "template", "build", "--memory", "1");
        assertUsage("barchan: unknown option '--al': did you mean '--all'?", "template", "prune", "--al");
        assertUsage("barchan: missing required parameter: 'NAME", "top");
        assertUsage("barchan: unknown argument 'aux'", "top", "box", "aux");
        assertUsage("barchan: invalid value for option '--interval': 'soon' is no time", "stats", "--interval", "soon");
        assertUsage("barchan: invalid value for option '--interval': 0.05 s", "stats", "--interval", "0.05");
        assertUsage("barchan: invalid value for option '--interval': 3601.0 s", "stats", "--interval=3601");
    }

    @Test
    void doctor_noAgent_isAFailedCheck() throws Exception {
        Map<String, String> environment = Map.of("BARCHAN_ADDRESS", directory + "/none.sock");
        Command.Result result = run(environment, "doctor");
        assertEquals(1, result.status());
        assertTrue(result.out().contains("failed   agent"), result.out());
        assertTrue(result.out().contains("remedy: "), result.out());
    }

    @Test
    void doctor_failedCheck_isStatus1() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            agent.diagnosis(List.of(NO_QEMU, KVM));
            Command.Result result = run(environment(agent), "doctor", "--output", "json");
            assertEquals(1, result.status());
            JsonObject json = JsonParser.parseString(result.out()).getAsJsonObject();
            assertFalse(json.get("healthy").getAsBoolean());
            assertEquals(3, json.getAsJsonArray("checks").size());
            agent.diagnosis(List.of(QEMU, KVM));
            assertEquals(0, run(environment(agent), "doctor").status());
        }
    }

    @Test
    void kernels_showsWhichDoAndWhyNot() throws Exception {
        Kernel good = Kernel.newBuilder()
                .setRelease("6.1")
                .setImage(ByteString.copyFromUtf8("/boot/vmlinuz-6.1"))
                .build();
        Kernel bad =
                good.toBuilder().setRelease("6.1-cloud").setProblem("no 9p").build();
        try (FakeAgent agent = new FakeAgent(directory).kernels(List.of(bad))) {
            assertEquals(1, run(environment(agent), "kernels").status());
            agent.kernels(List.of(bad, good));

            Command.Result text = run(environment(agent), "kernels");
            assertEquals(0, text.status());
            List<String> lines = text.out().lines().map(String::strip).toList();
            assertTrue(lines.get(1).matches("no +6.1-cloud +/boot/vmlinuz-6.1"), text.out());
            assertEquals("no 9p", lines.get(2));
            assertTrue(lines.get(3).matches("yes +6.1 +/boot/vmlinuz-6.1"), text.out());
            String json = run(environment(agent), "kernels", "--output", "json").out();
            assertEquals(
                    JsonParser.parseString(
                            "{kernels: [{release: '6.1-cloud', image: '/boot/vmlinuz-6.1', usable: false,"
                                    + " problem: 'no 9p'}, {release: '6.1', image: '/boot/vmlinuz-6.1', usable: true}]}"),
                    JsonParser.parseString(json));
        }
    }

    @Test
    void templateBuild_thatEndsWithNone_isAFault() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)
                .building(BuildTemplateResponse.newBuilder()
                        .setProgress(RunProgress.newBuilder()
                                .setLevel(ProgressLevel.PROGRESS_LEVEL_INFO)
                                .setMessage("saving it"))
                        .build())) {
            Command.Result result = run(environment(agent), "template", "build", "--verbose");
            assertEquals(125, result.status());
            assertEquals(
                    "barchan: saving it\nbarchan: building a template: the agent ended the call without one\n",
                    result.err());
        }
    }

    @Test
    void templateBuild_interrupted_endsTheCall() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory);
                Command command = Command.start(environment(agent), "template", "build")) {
            FakeAgent.Build build = agent.nextBuild();

            command.kill("INT");

            assertEquals(130, command.end().status());
            assertTrue(build.cancelled().await(10, TimeUnit.SECONDS));
        }
    }

    @Test
    void templateBuild_asksForTheKindOfARun() throws Exception {
        BuildTemplateResponse found =
                BuildTemplateResponse.newBuilder().setFound(TEMPLATE).build();
        try (FakeAgent agent = new FakeAgent(directory)
                .building(BuildTemplateResponse.newBuilder().setMade(TEMPLATE).build())) {
            Command.Result result = run(
                    environment(agent),
                    "template",
                    "build",
                    "--memory=1G",
                    "--vcpus=2",
                    "--kernel-release=6.1",
                    "--kernel-arg=nosmt",
                    "--accel=tcg",
                    "--root-mode=scratch",
                    "-m",
                    "ram:/x=1M");
            assertEquals(0, result.status(), result.err());
            assertEquals("0123456789abcdef0123456789abcdef made, 95M\n", result.out());
            SandboxSpec asked = agent.nextBuild().sandbox();
            assertEquals(1 << 30, asked.getMemoryBytes());
            assertEquals(2, asked.getVcpus());
            assertEquals("/boot/vmlinuz-6.1", asked.getKernelImage().toStringUtf8());
            assertEquals(List.of("nosmt"), asked.getKernelArgumentsList());
            assertEquals(Accelerator.ACCELERATOR_TCG, asked.getAccelerator());
            assertEquals(MountMode.MOUNT_MODE_SCRATCH, asked.getRootMode());
            agent.building(found);
            assertEquals(
                    "0123456789abcdef0123456789abcdef was there already\n",
                    run(environment(agent), "template", "build").out());
            JsonObject json = JsonParser.parseString(run(environment(agent), "template", "build", "--output", "json")
                            .out())
                    .getAsJsonObject();
            assertFalse(json.get("made").getAsBoolean());
            assertEquals(JsonParser.parseString(TEMPLATE_JSON), json.get("template"));
        }
    }

    @Test
    void templateList_showsWhatIsKnown() throws Exception {
        Template unknown = Template.newBuilder()
                .setId("f".repeat(32))
                .setSizeBytes(1)
                .setLastUseTime(Timestamp.newBuilder().setSeconds(100))
                .build();
        try (FakeAgent agent = new FakeAgent(directory).templates(List.of(TEMPLATE, unknown))) {
            String text = run(environment(agent), "template", "list").out();
            List<String> lines = text.lines().toList();
            assertEquals(3, lines.size(), text);
            assertTrue(
                    lines.get(1)
                            .matches("0123456789abcdef0123456789abcdef +95M +6\\.1 +tcg +1024M +2 +no"
                                    + " +1970-01-01T00:00:01Z +never +nosmt quiet"),
                    text);
            assertTrue(
                    lines.get(2).matches("f{32} +1M +\\? +\\? +\\? +\\? +\\? +\\? +1970-01-01T00:01:40Z +\\?"), text);
            assertEquals(
                    JsonParser.parseString("{templates: [" + TEMPLATE_JSON + ", {id: '" + "f".repeat(32)
                            + "', sizeBytes: 1, lastUseTime: '1970-01-01T00:01:40Z'}]}"),
                    JsonParser.parseString(run(environment(agent), "template", "list", "--output", "json")
                            .out()));
        }
    }

    @Test
    void templatePrune_saysWhatItFreed() throws Exception {
        Template other = TEMPLATE.toBuilder().setId("e".repeat(32)).build();
        try (FakeAgent agent = new FakeAgent(directory)) {
            Command.Result failed = run(environment(agent), "template", "prune");
            assertEquals(125, failed.status());
            assertEquals("barchan: QEMU is missing: install it\n", failed.err());
            agent.templates(List.of(TEMPLATE, other));
            assertEquals(
                    "0123456789abcdef0123456789abcdef removed\nfreed 95M\n",
                    run(environment(agent), "template", "prune").out());
            assertTrue(
                    run(environment(agent), "template", "prune", "--all").out().endsWith("\nfreed 189M\n"));
            JsonObject json = JsonParser.parseString(run(environment(agent), "template", "prune", "--output", "json")
                            .out())
                    .getAsJsonObject();
            assertEquals(99_000_000, json.get("freedBytes").getAsLong());
            assertEquals(JsonParser.parseString("[" + TEMPLATE_JSON + "]"), json.get("removed"));
        }
    }

    @Test
    void version_withAndWithoutAgent_isPrinted() throws Exception {
        Map<String, String> none = Map.of("BARCHAN_ADDRESS", directory + "/none.sock");
        assertEquals(
                "barchan " + BarchanClient.version() + "\nno agent listens\n",
                run(none, "version").out());
        try (FakeAgent agent = new FakeAgent(directory)) {
            agent.version("9.9");
            JsonObject json = JsonParser.parseString(run(environment(agent), "version", "--output", "json")
                            .out())
                    .getAsJsonObject();
            assertEquals(BarchanClient.version(), json.get("client").getAsString());
            assertEquals("9.9", json.getAsJsonObject("agent").get("version").getAsString());
        }
    }

    @Test
    void delete_missingSandbox_deletesTheOthers() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            Command.Result result = run(environment(agent), "delete", "missing", "other");
            assertEquals(125, result.status());
            assertEquals("barchan: no sandbox 'missing' lives\n", result.err());
            assertEquals(List.of("missing", "other"), agent.deleted());
        }
    }

    @Test
    void stop_sendsTheSignalAndWaits() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            Command.Result result = run(environment(agent), "stop", "-t", "1m", "-s", "INT", "box", "deaf");
            assertEquals(0, result.status());
            assertEquals(
                    "barchan: warning: deaf: its command did not end in time, and was ended with its sandbox\n",
                    result.err());
            assertEquals(0, run(environment(agent), "stop", "other").status());
            assertEquals(List.of("box 2 60", "deaf 2 60", "other 15 10"), agent.stopped());
        }
    }

    @Test
    void list_sandboxes_areRows() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            assertTrue(run(environment(agent), "list").out().contains("fake                 b-aaaaaaaaaaaa  running"));
        }
    }

    @Test
    void helpAndCompletion_areComplete() throws Exception {
        String help = run(Map.of(), "help").out();
        for (String verb : List.of(
                "run",
                "list",
                "events",
                "stop",
                "kill",
                "delete",
                "kernels",
                "template",
                "doctor",
                "version",
                "completion",
                "help")) {
            assertTrue(help.contains("  " + verb), help);
        }
        assertTrue(run(Map.of(), "help", "template").out().contains("  prune"));
        assertTrue(run(Map.of(), "template", "--help").out().contains("  prune"));
        for (String[] words :
                List.of(new String[] {"help", "template", "build"}, new String[] {"template", "build", "--help"})) {
            String build = run(Map.of(), words).out();
            assertTrue(build.startsWith("Usage: barchan template build [OPTIONS]"), build);
            assertTrue(build.contains("128+N   Signal N ended it"), build);
        }
        assertTrue(run(Map.of(), "help", "run").out().contains("--kernel-modules"));
        assertTrue(run(Map.of(), "run", "--help").out().contains("128+N   The command was ended by signal N."));
        assertEquals(
                0,
                Command.shell(Map.of(), "\"$0\" completion bash | bash -n")
                        .end()
                        .status());
    }

    private static void assertUsage(String message, String... arguments) throws Exception {
        Command.Result result = run(Map.of(), arguments[0].isEmpty() ? new String[0] : arguments);
        assertEquals(125, result.status());
        assertTrue(result.err().startsWith(message), result.err());
        assertEquals("", result.out());
    }

    private static Map<String, String> environment(FakeAgent agent) {
        return Map.of("BARCHAN_ADDRESS", agent.socket().toString());
    }

    private static Command.Result run(Map<String, String> environment, String... arguments) throws Exception {
        try (Command command = Command.start(environment, arguments)) {
            command.process().getOutputStream().close();
            return command.end();
        }
    }

    private static DiagnoseResponse check(String name, DiagnosisOutcome outcome, String detail, String remedy) {
        return DiagnoseResponse.newBuilder()
                .setCheck(name)
                .setOutcome(outcome)
                .setDetail(detail)
                .setRemedy(remedy)
                .build();
    }
}
