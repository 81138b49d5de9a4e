package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an application may not see: the init that started it, and the link. */
class IsolationIT {
    /** Each fact is one line, its name first, but for what ls says of the shell's descriptors. */
    private static final String FACTS = """
            ls -l /proc/$$/fd
            for d in /dev/vport*; do [ -e "$d" ] && echo "port $d"; done
            for d in /sys/class/virtio-ports/*; do [ -e "$d" ] && echo "class $d"; done
            for f in /proc/[0-9]*/fd/*; do l=$(readlink "$f" 2>/dev/null); case $l in *vport*) echo "leak $f $l";; esac; done
            for p in /proc/[0-9]*; do echo "process $(tr '\\0' ' ' < $p/cmdline 2>/dev/null)"; done
            grep -c . /proc/modules > /dev/null 2>&1; modprobe -q dummy 2>/dev/null && echo "module loaded"
            n=$(sed -n 's/ virtio-portsdev$//p' /proc/devices); n=${n##* }
            for d in /dev /tmp /dev/shm; do for m in 0 1 2; do
              [ -n "$n" ] && mknod "$d/p$m" c "$n" "$m" 2>/dev/null && true 2>/dev/null <> "$d/p$m" && echo "opened $d/p$m"; done; done
            echo "end reached"
            """;

    private static final Pattern DESCRIPTOR = Pattern.compile("l[rwx-]{9} .* ([0-9]+) -> ([^:]*).*");

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @ParameterizedTest
    @ValueSource(strings = {"", "--privileged"})
    void application_lookingAround_findsNeitherLinkNorInit(String option) {
        if (!option.isEmpty()) {
            Root.required("a privileged command");
        }
        List<String> arguments = new ArrayList<>(List.of("run"));
        if (!option.isEmpty()) {
            arguments.add(option);
        }
        arguments.addAll(List.of("--", "sh", "-c", FACTS));
        Result result = barchan.call(arguments.toArray(String[]::new)).expect(0);
        List<String> lines = result.out().lines().toList();
        List<String> descriptors = lines.stream()
                .map(DESCRIPTOR::matcher)
                .filter(Matcher::matches)
                .map(matcher -> matcher.replaceFirst("$1 $2"))
                .toList();
        assertAll(
                result.toString(),
                () -> assertEquals(List.of("0 pipe", "1 pipe", "2 pipe"), descriptors),
                () -> assertNone(lines, "port "),
                () -> assertNone(lines, "class "),
                () -> assertNone(lines, "leak "),
                () -> assertNone(lines, "module "),
                () -> assertNone(lines, "opened "),
                () -> assertFalse(lines.stream().anyMatch(line -> line.matches("process /init\\b.*"))),
                () -> assertEquals("end reached", lines.getLast()));
    }

    @Test
    void secrets_ofTheHost_areSeenOnlyByWhoAsksForThem() throws IOException {
        Root.required("making a home");
        Path home = Files.createTempDirectory(Path.of("/home"), "barchan-it-");
        try {
            Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxr-xr-x"));
            Path secret = Files.writeString(home.resolve("secret"), "secret\n");
            String script = """
                    cat SECRET /srvSECRET; wc -c < /etc/shadow; wc -c < /srv/etc/shadow
                    ls /srv/home /srv/run /srv/dev /srv/proc /srv/sys
                    """.replace("SECRET", secret.toString());
            String[] call = {"run", "--cwd", "/", "--mount", "type=bind,src=/,dst=/srv", "--", "sh", "-c", script};

            Result masked = barchan.call(call);

            assertEquals(
                    "0\n0\n/srv/dev:\n\n/srv/home:\n\n/srv/proc:\n\n/srv/run:\n\n/srv/sys:\n",
                    masked.out(),
                    masked::toString);
            List<String> exposed = new ArrayList<>(List.of("run", "--expose-host-root"));
            exposed.addAll(List.of(call).subList(1, call.length));
            Result all = barchan.call(exposed.toArray(String[]::new));
            assertTrue(all.out().startsWith("secret\nsecret\n"), all::toString);
            assertTrue(all.out().contains(home.getFileName() + "\n"), all::toString);
        } finally {
            Files.deleteIfExists(home.resolve("secret"));
            Files.delete(home);
        }
    }

    /** Neither in a file, however short-lived the sandbox, nor in an argument: others may read those. */
    @Test
    void environment_isNowhereOnTheHost() throws IOException {
        // What others leave would go while it is looked at.
        barchan.awaitNoSandbox();
        String secret = "secret-" + UUID.randomUUID();
        ProcessBuilder builder =
                barchan.builder("run", "-e", "SECRET", "--", "sh", "-c", "echo \"$SECRET\"; read line");
        builder.environment().put("SECRET", secret);
        try (Running run = Barchan.launch(builder)) {
            run.awaitOut(secret + "\n");
            for (Path directory : barchan.installation().directories()) {
                try (Stream<Path> files = Files.walk(directory)) {
                    for (Path file : files.filter(Files::isRegularFile).toList()) {
                        assertFalse(holds(file, secret), () -> file + " has the environment");
                    }
                }
            }
            for (HostProcess process : HostProcess.of(barchan.installation().directories())) {
                Path arguments = Path.of("/proc", Long.toString(process.pid()), "cmdline");
                assertFalse(holds(arguments, secret), () -> process + " has the environment among its arguments");
            }
            run.write("\n").closeStdin().result().expect(0);
        }
    }

    private static boolean holds(Path file, String text) throws IOException {
        return Files.readString(file, StandardCharsets.ISO_8859_1).contains(text);
    }

    private static void assertNone(List<String> lines, String beginning) {
        assertEquals(
                List.of(),
                lines.stream().filter(line -> line.startsWith(beginning)).toList());
    }
}
