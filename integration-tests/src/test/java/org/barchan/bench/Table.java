package org.barchan.bench;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A table of figures, as SPECIFICATION.md has it, on standard output. */
final class Table {
    private static final List<String> PRINTED = new ArrayList<>();

    private Table() {}

    /** Returns all lines that were printed. */
    static List<String> printed() {
        return List.copyOf(PRINTED);
    }

    private static void print(String line) {
        System.out.println(line);
        PRINTED.add(line);
    }

    static void begin(String ratio) {
        print("| what | median | min-max | " + ratio + " (median of pairs) |");
        print("|---|---|---|---|");
    }

    static void beginQuantiles() {
        print("| what | p50 | p95 | p99 | ratio to its floor (p50 of pairs) |");
        print("|---|---|---|---|---|");
    }

    /** Prints quantiles of values, and the ratio of each value to what it was measured beside. */
    static void quantiles(String what, String unit, List<Double> values, @Nullable List<Double> floor) {
        Samples samples = new Samples(values);
        print("| %s | %.3g %s | %.3g | %.3g | %s |"
                .formatted(
                        what,
                        samples.median(),
                        unit,
                        samples.quantile(0.95),
                        samples.quantile(0.99),
                        ratio(samples, floor)));
    }

    private static String ratio(Samples samples, @Nullable List<Double> floor) {
        return floor == null
                ? ""
                : "%.2f".formatted(samples.over(new Samples(floor)).median());
    }

    /** Prints values, and their ratio to what each was measured beside. */
    static void row(String what, String unit, List<Double> values, @Nullable List<Double> floor) {
        Samples samples = new Samples(values);
        print("| %s | %.3g %s | %.3g-%.3g | %s |"
                .formatted(what, samples.median(), unit, samples.minimum(), samples.maximum(), ratio(samples, floor)));
    }
}
