package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A command runs in a virtual machine as it would have run here. */
class CommandIT {
    @RegisterExtension
    static final Barchan barchan = Barchan.withTemplates();

    @Test
    void run_inGuest_hasProcessorAndKernelOfItsOwn() throws IOException {
        // With KVM the guest may be shown the processor of the host.
        Result result = barchan.call(
                        "run",
                        "--accel",
                        "tcg",
                        "--",
                        "sh",
                        "-c",
                        "grep -m 1 'model name' /proc/cpuinfo; uname -r; cat /proc/version")
                .expect(0);
        List<String> lines = result.out().lines().toList();
        String hostRelease =
                Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
        assertAll(
                () -> assertTrue(lines.get(0).contains("QEMU"), lines.get(0)),
                () -> assertTrue(Files.exists(Path.of("/lib/modules", lines.get(1))), lines.get(1)),
                () -> assertTrue(lines.get(2).contains(lines.get(1)), lines.get(2)),
                () -> assertFalse(lines.get(2).contains(hostRelease + " "), lines.get(2)));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 42, 255})
    void run_commandExits_exitsLikewise(int status) {
        Result result = barchan.call("run", "--", "sh", "-c", "echo out; echo err >&2; exit " + status);
        result.expect(status);
        assertEquals("out\n", result.out());
        assertTrue(result.err().endsWith("err\n"), result::toString);
    }

    @Test
    void run_commandKilled_exits137AndSaysSignalled() {
        Result result = barchan.call("run", "--output", "json", "--", "sh", "-c", "kill -KILL $$");
        JsonObject termination = result.expect(137).json().getAsJsonObject("termination");
        assertEquals("signalled", termination.get("cause").getAsString(), result::toString);
        assertEquals(9, termination.get("signal").getAsInt(), result::toString);
    }

    @Test
    void run_timing_tellsOfTheAgentToo() {
        Result result = barchan.call("run", "--timing", "--", "echo").expect(0);
        List<String> reached = result.err()
                .lines()
                .filter(line -> line.contains("  agent: "))
                .map(line -> line.replaceFirst(".*  agent: ", ""))
                .toList();
        assertEquals(
                List.of("prepared", "machine", "guest", "configured", "started", "output", "ended"),
                reached,
                result.err());
    }

    @Test
    void run_timeout_exits124() {
        Result result = barchan.call("run", "--timeout", "2s", "--", "sh", "-c", "echo begun; exec sleep 600");
        result.expect(124);
        assertEquals("begun\n", result.out());
    }

    @Test
    void run_clearEnv_environmentIsExactlyWhatWasAsked() {
        Result result = barchan.call(
                "run",
                "--clear-env",
                "--env",
                "A=1",
                "--env",
                "B=two words=2",
                "--env",
                "C=",
                "--",
                "/usr/bin/env",
                "-0");
        result.expect(0);
        Set<String> variables = new TreeSet<>(Arrays.asList(result.out().split("\0", 0)));
        assertEquals(new TreeSet<>(List.of("A=1", "B=two words=2", "C=")), variables);
    }

    @Test
    void run_byDefault_isTheCallerInItsDirectory() {
        ProcessBuilder builder = barchan.builder("run", "--", "sh", "-c", "id -u; id -g; pwd -P; echo \"$HOME\"")
                .directory(new File("/usr/share"))
                .redirectInput(new File("/dev/null"));
        builder.environment().put("HOME", "/usr/lib");
        Result result = Barchan.launch(builder).result().expect(0);
        assertEquals(callerId("-u") + "\n" + callerId("-g") + "\n/usr/share\n/usr/lib\n", result.out());
    }

    @Test
    void run_kernelByItsRelease_getsTheParameters() {
        String release = barchan.kernel().get("release").getAsString();

        Result result = barchan.call(
                        "run",
                        "--kernel-release",
                        release,
                        "--kernel-arg",
                        "barchan_test=1",
                        "--kernel-arg",
                        "second=\"two words\"",
                        "--",
                        "sh",
                        "-c",
                        "uname -r; cat /proc/cmdline")
                .expect(0);
        List<String> lines = result.out().lines().toList();
        assertEquals(release, lines.get(0));
        assertTrue(lines.get(1).endsWith(" barchan_test=1 second=\"two words\""), result::toString);
    }

    @Test
    void run_user_isThatUser() {
        Root.required("another user's id");
        Result result = barchan.call(
                "run",
                "--expose-host-root",
                "--user",
                "nobody",
                "--cwd",
                "/usr/lib",
                "--",
                "sh",
                "-c",
                "id -u; id -g; pwd; cat /etc/shadow");
        assertTrue(result.status() != 0, result::toString);
        assertEquals("65534\n65534\n/usr/lib\n", result.out());
        result.expectStderr("/etc/shadow: permission denied");
    }

    @Test
    void run_file_isAsItsOptions(@TempDir(factory = InScratch.class) Path directory) throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(directory.resolve("data"), "the host's\n");
        Path file = Files.writeString(directory.resolve("spec.yaml"), """
                mount: [{type: bind, src: ., dst: /made/here}]
                env: {A: "b c"}
                cwd: /made/here
                command: [sh, -c, 'cat data; printf "%s" "$A"; printf "%s" "$1" | od -An -tx1', sh, {base64: /wo=}]
                """);

        String expected = "the host's\nb c ff 0a\n";
        assertEquals(
                expected, barchan.call("run", "-f", file.toString()).expect(0).out());
        String printed = barchan.call("spec", "--output", "json", "-f", file.toString(), "--vcpus", "2")
                .expect(0)
                .out();
        try (Running run = Barchan.launch(barchan.builder("run", "-f", "-"))) {
            Result result = run.write(printed).closeStdin().result().expect(0);
            assertEquals(expected, result.out(), printed);
        }
    }

    @Test
    void run_filesOfTheHost_areSeenAndReadOnly(@TempDir(factory = InScratch.class) Path directory) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path file = Files.writeString(directory.resolve("a file"), "the host's\n");
        Result result = barchan.call(
                "run",
                "--cwd",
                directory.toString(),
                "--",
                "sh",
                "-c",
                "cat 'a file'; echo x > 'a file'; rm 'a file'; touch b; touch /b");
        assertTrue(result.status() != 0, result::toString);
        assertEquals("the host's\n", result.out());
        result.expectStderr(
                "a file: read-only file system",
                "touch 'b': read-only file system",
                "touch '/b': read-only file system");
        assertEquals("the host's\n", Files.readString(file));
        assertEquals(List.of("a file"), List.of(directory.toFile().list()));
    }

    @Test
    void run_loopback_carriesConnections() {
        String program = "import socket; s = socket.create_server(('127.0.0.1', 0));"
                + " c = socket.create_connection(s.getsockname(), 5); c.send(b'x'); print(s.accept()[0].recv(1))";
        Result result =
                barchan.call("run", "--", "/usr/bin/python3", "-c", program).expect(0);
        assertEquals("b'x'", result.line());
    }

    @Test
    void version_andDoctor_sayWhatIsThere() {
        Result version = barchan.call("version").expect(0);
        assertTrue(version.out().matches("(?s).*, libvirt \\d+\\.\\d+\\.\\d+, .*"), version::toString);
        Result doctor = barchan.call("doctor").expect(0);
        for (String check : List.of("qemu", "libvirt", "kernel", "kvm")) {
            assertTrue(doctor.out().toLowerCase(Locale.ROOT).contains(check), doctor::toString);
        }
    }

    private static String callerId(String option) {
        try {
            return new String(
                            new ProcessBuilder("id", option)
                                    .start()
                                    .getInputStream()
                                    .readAllBytes(),
                            StandardCharsets.UTF_8)
                    .strip();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
