package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Resource limits, nice values and OOM scores of commands. */
class LimitsIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    /** Two limits of open files, the nice value, that of the session where the kernel has groups of these, and the OOM score. */
    private static final String LOOK =
            "ulimit -n; ulimit -Hn; cut -d\" \" -f19 /proc/self/stat; cat /proc/self/oom_score_adj;"
                    + " ! test -e /proc/self/autogroup || sed 's/.* //' /proc/self/autogroup";

    private final Path scratch;

    LimitsIT(@TempDir(factory = InScratch.class) Path scratch) {
        this.scratch = scratch;
    }

    @Test
    void limits_thatTheKernelDoesNotTake_areNamed() {
        barchan.call("run", "--ulimit", "core=0", "--ulimit", "nofile=1:99999999999", "--", "true")
                .expect(125)
                .expectStderr(
                        "resource_limits\\[1\\]: LIMITED_RESOURCE_NOFILE to 1:99999999999: operation not permitted");
    }

    @Test
    void limits_areThoseOfTheCommand_alsoOfOneMore_andFromAFile() throws Exception {
        String[] limits = {"--ulimit", "nofile=10:9000", "--nice=-3", "--oom-score-adj=100", "--user", "12:34"};
        Path file = Files.writeString(
                scratch.resolve("limits.yaml"),
                "ulimit: [nofile=11:12, memlock=unlimited]\nnice: 7\noom-score-adj: -1000\nname: box\n");
        try (Running box = barchan.start(
                "run", "--file", file.toString(), "--", "sh", "-c", LOOK + "; echo up; exec sleep 3600")) {
            box.awaitOut("up\n");
            looked("11\n12\n7\n-1000\n", "7", box.outText().replace("up\n", ""));
            looked(
                    "10\n9000\n-3\n100\n",
                    "-3",
                    barchan.call(with("exec", limits, "box", "--", "sh", "-c", LOOK))
                            .expect(0)
                            .out());
            looked(
                    "0\n0\n",
                    "0",
                    barchan.call("exec", "box", "--", "sh", "-c", LOOK.replaceAll("ulimit[^;]*; ", ""))
                            .expect(0)
                            .out());
            box.signal("TERM");
            var _ = box.result();
        }
    }

    /** @param session what comes behind it where the kernel has groups of sessions */
    private static void looked(String expected, String session, String output) {
        assertEquals(expected, output.equals(expected) ? output : output.replaceFirst(session + "\n$", ""));
    }

    private static String[] with(String verb, String[] options, String... rest) {
        String[] all = new String[1 + options.length + rest.length];
        all[0] = verb;
        System.arraycopy(options, 0, all, 1, options.length);
        System.arraycopy(rest, 0, all, 1 + options.length, rest.length);
        return all;
    }
}
