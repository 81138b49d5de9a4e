package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Agents that are killed, each a process of its own, and the next one on the same state directory. */
@Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class LibvirtAdoptionIT {
    @TempDir
    private Path directory;

    @BeforeEach
    void openToQemu() throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
    }

    private Process agent(String act, Path state, String... more) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                AgentProcess.class.getName(),
                act,
                state.toString()));
        command.addAll(List.of(more));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    @Test
    void running_agentWasKilled_findsItsMachineWithTheWholeRecord() throws Exception {
        Path state = directory.resolve("s");
        Path runtime = Files.createDirectory(directory.resolve("r<&ü"));
        String kernel = TestGuest.kernel().toString();
        Process killed = agent("start", state, runtime.toString(), kernel);
        String started;
        try (BufferedReader out = killed.inputReader(StandardCharsets.UTF_8)) {
            started = String.valueOf(out.readLine());
            assertTrue(started.startsWith("MachineRecord["), started);
            Process second = agent("adopt", state);
            String refused = new String(second.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(refused.contains("another agent uses this state directory"), refused);
        } finally {
            killed.destroyForcibly().waitFor();
        }
        Process next = agent("adopt", state);
        String adopted = new String(next.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(List.of(started, "DESTROYED", "[]"), adopted.lines().toList());
        assertEquals(0, next.waitFor());
    }

    @Test
    void running_qemuDiedWithItsAgent_leavesNothing() throws Exception {
        Path state = directory.resolve("s");
        killBoth(state);
        assertNothingIsAdopted(state);
    }

    /** An agent killed before its QEMU had a process leaves a domain that libvirt never lets go of again. */
    @Test
    void running_agentDiedWhileItStartedAMachine_leavesNothing() throws Exception {
        Path state = directory.resolve("s");
        killBoth(state);
        Path status = only(state, "barchan-.*\\.xml");
        String text = Files.readString(status);
        String before = text.replaceFirst(
                        "(<domstatus [^>]*) reason='\\w+' pid='\\d+'", "$1 reason='starting up' pid='0'")
                .replaceFirst(
                        "<blockjobs ", "<job type='none' async='start' flags='0x0' asyncStarted='1'/><blockjobs ");
        assertTrue(before.contains("pid='0'") && before.contains("async='start'"), before);
        Files.writeString(status, before);
        assertNothingIsAdopted(state);
    }

    private void killBoth(Path state) throws Exception {
        Process killed =
                agent("start", state, directory.toString(), TestGuest.kernel().toString());
        try (BufferedReader out = killed.inputReader(StandardCharsets.UTF_8)) {
            assertTrue(String.valueOf(out.readLine()).startsWith("MachineRecord["));
        } finally {
            killed.destroyForcibly().waitFor();
        }
        ProcessHandle qemu = ProcessHandle.of(Long.parseLong(
                        Files.readString(only(state, "barchan-.*\\.pid")).strip()))
                .orElseThrow();
        qemu.destroyForcibly();
        qemu.onExit().join();
    }

    private static Path only(Path state, String name) throws IOException {
        try (Stream<Path> files = Files.list(state.resolve("libvirt/run/qemu"))) {
            return files.filter(file -> file.getFileName().toString().matches(name))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private void assertNothingIsAdopted(Path state) throws Exception {
        Process next = agent("adopt", state);
        String adopted = new String(next.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(adopted.endsWith("[]\n"), adopted);
        assertEquals(0, next.waitFor());
        try (Stream<Path> files = Files.walk(state)) {
            assertEquals(
                    "",
                    files.map(Path::toString)
                            .filter(file -> file.contains(DomainXml.PREFIX))
                            .collect(Collectors.joining("\n")));
        }
    }
}
