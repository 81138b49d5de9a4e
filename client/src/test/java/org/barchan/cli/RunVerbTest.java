package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.barchan.client.Accelerator;
import org.barchan.client.ClientLostPolicy;
import org.barchan.client.Identity;
import org.barchan.client.ProcessLimits;
import org.barchan.client.ResourceLimit;
import org.barchan.client.ResourceLimit.Resource;
import org.barchan.client.RunSpec;
import org.barchan.client.SandboxSpec;
import org.barchan.client.TerminalSize;
import org.barchan.client.WorkingDirectory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

final class RunVerbTest {
    private static final Identity SELF = new Identity(1000, 100, List.of(4L, 24L), false);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path etc;

    private final Map<String, String> environment = new LinkedHashMap<>(Map.of("HOME", "/home/me", "USER", "me"));

    @BeforeEach
    void writeUsers() throws IOException {
        Files.writeString(
                etc.resolve("passwd"),
                "root:x:0:0:root:/root:/bin/sh\nme:x:1000:100::/home/me:/bin/sh\nweb:x:33:33:www:/var/www:/bin/false\n"
                        + "broken:x:zz:1:::\n");
        Files.writeString(etc.resolve("group"), "root:x:0:\nwww:x:33:\nadm:x:4:me,web\nssl:x:77:web\nusers:x:100:\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "--memory 0 ls|'0': memory of 0 bytes",
                "--memory -5 ls|--memory",
                "--memory 127M ls|expected: 128M to 64T",
                "--memory 12X ls|'12X' is no size",
                "--memory 1.5G ls|no size",
                "--memory 99999999999999999999T ls|expected: 128M to 64T",
                "--vcpus 0 ls|0 virtual CPUs",
                "--vcpus 256 ls|expected: 1 to 255",
                "--vcpus two ls|'two' is no number",
                "--name Upper ls|'Upper' is no sandbox name",
                "--name -x ls|--name",
                "--env =v ls|'=v' names no variable",
                "--timeout 5x ls|'5x' is no time",
                "--timeout -1 ls|--timeout",
                "--timeout 999999999999h ls|too long",
                "--ulimit nofile ls|it has no limit (expected: NAME=SOFT[:HARD]",
                "--ulimit files=1 ls|there is no 'files' to limit (expected: one of cpu, fsize",
                "--ulimit nofile=1:2:3 ls|more than two limits",
                "--ulimit nofile= ls|'' is no limit",
                "--ulimit nofile=-2 ls|'-2' is no limit",
                "--ulimit nofile=9223372036854775808 ls|is no limit",
                "--ulimit nofile=2:1 ls|the soft limit, 2, is above the hard one, 1",
                "--ulimit nofile=unlimited:1 ls|the soft limit, none, is above the hard one, 1",
                "--nice 20 ls|invalid value for option '--nice': 20 (expected: -20 to 19)",
                "--nice x ls|--nice",
                "--oom-score-adj -1001 ls|invalid value for option '--oom-score-adj': -1001",
                "--accel hvf ls|expected: auto, kvm or tcg",
                "--output xml ls|expected: text or json",
                "--user nobody-here ls|this host has no such user",
                "--user 4999 ls|give the group as well",
                "--user me:nogroup-here ls|no group 'nogroup-here'",
                "--user broken ls|no such user",
                "--user 4294967295:1 ls|too large",
                "--tty --output json ls|--tty can't be combined",
                "--privileged --user me ls|can't be combined",
                "-p -S me ls|can't be combined",
                "--memory 512M --memory 1G ls|only once",
                "--kernver 6.1/x ls|expected: a release",
                "--kmodpath /m ls|--kmodpath needs --kernver",
                "--include a=/b ls|expected: PATH or PATH=SOURCE",
                "--include /a= ls|invalid value for option '--include': empty",
                "--include-file /nonexistent/list ls|'/nonexistent/list': there is no such file",
                "--root-transport nfs ls|expected: auto, 9p or virtiofs",
                "--root-mode rw ls|expected: ro, overlay or scratch",
                "--root-mode ro=1M ls|expected: ro, overlay or scratch",
                "--root-mode overlay=much ls|'much' is no size",
                "--mount src=/a ls|no type",
                "--bogus ls|--bogus",
                "--memory|Missing required parameter",
                "-- |no command",
                "--cwd= ls|expected: a path"
            })
    void spec_badOption_saysWhatIsWrong(String arguments, String expected) {
        Exception error =
                assertThrows(Exception.class, () -> spec(arguments.strip().split(" ")));
        assertTrue(
                String.valueOf(error.getMessage()).contains(expected),
                () -> "expected '" + expected + "' in: " + error.getMessage());
    }

    @Test
    void spec_noCommand_isRefused() {
        assertThrows(IllegalArgumentException.class, () -> spec());
        assertThrows(IllegalArgumentException.class, () -> spec(""));
    }

    @Test
    void spec_everythingBehindTheCommand_isTheCommands() throws Exception {
        List<String> command = List.of("ls", "--memory", "--", "-x", "--help", "@file", "", "'q'", "a=b");
        assertEquals(command, spec(command.toArray(String[]::new)).process().command());
        assertEquals(
                List.of("--odd", "--", "--name"),
                spec("--vcpus", "2", "--", "--odd", "--", "--name").process().command());
    }

    @ParameterizedTest
    @CsvSource({"512M,536870912", "512MiB,536870912", "1g,1073741824", "1GB,1073741824", "134217728,134217728"})
    void spec_memory_isInBytes(String text, long bytes) throws Exception {
        assertEquals(bytes, spec("--memory", text, "ls").sandbox().memoryBytes().orElseThrow());
    }

    @ParameterizedTest
    @CsvSource({"10,10000", "1.5s,1500", ".25,250", "2m,120000", "1h,3600000", "1d,86400000"})
    void spec_timeout_isAsTimeouts(String text, long millis) throws Exception {
        assertEquals(
                Optional.of(Duration.ofMillis(millis)),
                spec("--timeout", text, "ls").process().timeout());
    }

    @Test
    void spec_limits_areTheLastOfEachName() throws Exception {
        assertEquals(ProcessLimits.DEFAULT, spec("ls").process().limits());
        assertEquals(
                new ProcessLimits(
                        List.of(
                                new ResourceLimit(Resource.NOFILE, OptionalLong.of(3), OptionalLong.empty()),
                                new ResourceLimit(Resource.MEMLOCK, OptionalLong.empty(), OptionalLong.empty())),
                        OptionalInt.of(-20),
                        OptionalInt.of(1000)),
                spec(
                                "--ulimit",
                                "nofile=1:2",
                                "--ulimit",
                                "memlock=-1",
                                "--ulimit",
                                "nofile=3:unlimited",
                                "--nice",
                                "-20",
                                "--oom-score-adj",
                                "1000",
                                "ls")
                        .process()
                        .limits());
    }

    @Test
    void spec_zeroTimeout_isNone() throws Exception {
        assertEquals(Optional.empty(), spec("--timeout", "0", "ls").process().timeout());
    }

    @Test
    void spec_default_isTheCaller() throws Exception {
        environment.putAll(Map.of("PATH", "/p", "TERM", "vt", "LC_ALL", "C", "TZ", "UTC", "SECRET", "s"));
        RunSpec spec = spec("ls");
        assertEquals(SandboxSpec.DEFAULT, spec.sandbox());
        assertEquals(ClientLostPolicy.DELETE, spec.clientLostPolicy());
        assertEquals(Optional.of(SELF), spec.process().identity());
        assertEquals(
                Optional.of(new WorkingDirectory("/work dir", false)),
                spec.process().workingDirectory());
        assertEquals(
                Map.of(
                        "HOME",
                        "/home/me",
                        "USER",
                        "me",
                        "LOGNAME",
                        "me",
                        "PATH",
                        "/p",
                        "TERM",
                        "vt",
                        "LC_ALL",
                        "C",
                        "TZ",
                        "UTC"),
                spec.process().environment());
    }

    @Test
    void spec_envOption_splitsAtTheFirstEquals_lastWins() throws Exception {
        environment.put("OWN", "a=b");
        Map<String, String> result = spec(
                        "--clear-env", "-e", "A=1=2", "-e", "OWN", "-e", "B=", "-e", "A=3", "-e", "UNSET", "ls")
                .process()
                .environment();
        assertEquals(Map.of("A", "3", "OWN", "a=b", "B", ""), result);
    }

    @Test
    void spec_user_hasItsGroupsAndHome() throws Exception {
        RunSpec spec = spec("--user", "web", "ls");
        assertEquals(
                Optional.of(new Identity(33, 33, List.of(4L, 77L), false)),
                spec.process().identity());
        assertEquals("/var/www", spec.process().environment().get("HOME"));
        assertEquals("web", spec.process().environment().get("USER"));
        assertEquals(
                spec.process().identity(), spec("--user", "33", "ls").process().identity());
    }

    @ParameterizedTest
    @ValueSource(strings = {"me:www", "1000:33", "1000:www", "me:33"})
    void spec_userWithGroup_hasThatGroupAlone(String user) throws Exception {
        assertEquals(
                Optional.of(new Identity(1000, 33, List.of(), false)),
                spec("--user", user, "ls").process().identity());
    }

    @Test
    void spec_tty_isATerminalOfUnknownSizeWhereThereIsNone() throws Exception {
        assertEquals(
                Optional.of(TerminalSize.UNKNOWN), spec("-t", "ls").process().terminal());
        assertEquals(Optional.empty(), spec("ls").process().terminal());
    }

    @Test
    void spec_privileged_isRootWithCapabilities() throws Exception {
        RunSpec spec = spec("--privileged", "ls");
        assertEquals(
                Optional.of(new Identity(0, 0, List.of(), true)), spec.process().identity());
        assertEquals("/root", spec.process().environment().get("HOME"));
    }

    @Test
    void spec_kernel_isFoundByItsRelease() throws Exception {
        SandboxSpec plain = spec("--kernel-release", "6.1", "ls").sandbox();
        assertEquals(Optional.of("/boot/vmlinuz-6.1"), plain.kernelImage());
        assertEquals(Optional.empty(), plain.kernelModules());
        SandboxSpec modules = spec("--kernver", "6.1", "--kmodpath", "/m", "ls").sandbox();
        assertEquals(Optional.of("/boot/vmlinuz-6.1"), modules.kernelImage());
        assertEquals(Optional.of("/m/6.1"), modules.kernelModules());
        SandboxSpec image = spec("--kernver", "6.1", "--kernpath", "/k", "ls").sandbox();
        assertEquals(Optional.of("/k"), image.kernelImage());
        assertEquals(Optional.of("/lib/modules/6.1"), image.kernelModules());
    }

    @Test
    void spec_kernelArguments_areInTheirOrder() throws Exception {
        assertEquals(
                List.of("nosmt", "a=b"),
                spec("--kernel-arg", "nosmt", "--kernel-arg", "a=b", "ls")
                        .sandbox()
                        .kernelArguments());
    }

    @Test
    void spec_shortOptions_areThoseOfThePredecessor() throws Exception {
        RunSpec spec = spec("-n", "box", "-c", "qemu:///system", "-r", "/r", "-m", "ram:/m=1M", "-S", "me", "ls");
        assertEquals(Optional.of("box"), spec.sandbox().name());
        assertEquals(Optional.of("qemu:///system"), spec.sandbox().libvirtUri());
        assertEquals(Optional.of("/r"), spec.sandbox().rootDirectory());
        assertEquals(1, spec.sandbox().mounts().size());
        assertEquals(1000, spec.process().identity().orElseThrow().uid());
        assertTrue(spec("-p", "ls").process().identity().orElseThrow().privileged());
    }

    @Test
    void spec_paths_areMadeAbsolute() throws Exception {
        RunSpec spec = spec(
                "--root",
                "r",
                "--cwd",
                "./d",
                "--kernel",
                "../k",
                "--kernel-modules",
                "/m",
                "--accel",
                "tcg",
                "--keep",
                "ls");
        assertEquals(Optional.of("/work dir/r"), spec.sandbox().rootDirectory());
        assertEquals(Optional.of("/work dir/../k"), spec.sandbox().kernelImage());
        assertEquals(Optional.of("/m"), spec.sandbox().kernelModules());
        assertEquals(Accelerator.TCG, spec.sandbox().accelerator());
        assertEquals(ClientLostPolicy.KEEP, spec.clientLostPolicy());
        assertEquals(
                Optional.of(new WorkingDirectory("/work dir/d", true)),
                spec.process().workingDirectory());
    }

    private RunSpec spec(String... arguments) throws Exception {
        RunVerb verb = new RunVerb();
        CommandLineRunner.configure(new CommandLine(verb)).parseArgs(arguments);
        Caller caller = new Caller(environment, "/work dir", SELF, 0, TerminalSize.UNKNOWN);
        return verb.spec(caller, new UserDatabase(etc));
    }
}
