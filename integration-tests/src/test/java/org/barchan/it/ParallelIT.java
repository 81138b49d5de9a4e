package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;

/** Many at once. */
class ParallelIT {
    private static final int RUNS = 20;

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @Test
    void twentyRuns_startedAtOnceWithoutAnAgent_eachHasItsOwnOutput() {
        List<Running> runs = new ArrayList<>();
        try {
            for (int i = 0; i < RUNS; i++) {
                String script =
                        "read line; for n in 1 2 3 4 5 6 7 8 9 10; do echo \"$line out $n\"; echo \"$line err $n\" >&2; done; exit "
                                + i;
                Running run = Barchan.launch(
                        barchan.builder("run", "--memory", "256M", "--name", "run-" + i, "--", "sh", "-c", script));
                runs.add(run);
                run.write("mine is " + i + "\n").closeStdin();
            }
            // They all share two processors, and each boots a kernel.
            List<Result> results =
                    runs.stream().map(run -> run.result(Duration.ofMinutes(6))).toList();
            assertAll(IntStream.range(0, RUNS).mapToObj(i -> isOwn(i, results.get(i))));
            // Twenty clients that found none have started one agent.
            barchan.agent();
        } finally {
            runs.forEach(Running::close);
        }
        barchan.awaitNoSandbox();
    }

    private static Executable isOwn(int number, Result result) {
        return () -> {
            result.expect(number);
            assertEquals(lines(number, "out"), result.out(), result::toString);
            // What Barchan itself says comes before.
            assertEquals(
                    lines(number, "err"),
                    result.err().substring(Math.max(0, result.err().indexOf("mine is"))),
                    result::toString);
        };
    }

    private static String lines(int number, String stream) {
        StringBuilder lines = new StringBuilder();
        for (int n = 1; n <= 10; n++) {
            lines.append("mine is ")
                    .append(number)
                    .append(' ')
                    .append(stream)
                    .append(' ')
                    .append(n)
                    .append('\n');
        }
        return lines.toString();
    }
}
