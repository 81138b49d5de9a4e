package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.barchan.client.BarchanClient;
import org.barchan.testing.FakeAgent;
import org.barchan.v1.DiagnoseResponse;
import org.barchan.v1.DiagnosisOutcome;
import org.barchan.v1.Kernel;
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

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @Test
    void usageErrors_nameTheWordAndTheNearest() throws Exception {
        assertUsage("barchan: no verb", "");
        assertUsage("barchan: unknown verb 'rnu': did you mean 'run'?", "rnu");
        assertUsage("barchan: unknown option '--memroy=1G': did you mean '--memory'?", "run", "--memroy=1G", "ls");
        assertUsage("barchan: unknown argument 'now'", "list", "now");
        assertUsage("barchan: missing required parameter: 'NAME", "delete");
        assertUsage("barchan: no completion for 'fish'", "completion", "fish");
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
    void list_sandboxes_areRows() throws Exception {
        try (FakeAgent agent = new FakeAgent(directory)) {
            assertTrue(run(environment(agent), "list").out().contains("fake                 b-aaaaaaaaaaaa  running"));
        }
    }

    @Test
    void helpAndCompletion_areComplete() throws Exception {
        String help = run(Map.of(), "help").out();
        for (String verb : List.of("run", "list", "delete", "kernels", "doctor", "version", "completion", "help")) {
            assertTrue(help.contains("  " + verb), help);
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
