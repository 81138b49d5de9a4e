package org.barchan.bench;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A table of figures, as SPECIFICATION.md has it, on standard output. */
final class Table {
    private Table() {}

    static void begin(String ratio) {
        System.out.println("| what | median | min-max | " + ratio + " (median of pairs) |");
        System.out.println("|---|---|---|---|");
    }

    /** Prints values, and their ratio to what each was measured beside. */
    static void row(String what, String unit, List<Double> values, @Nullable List<Double> floor) {
        Samples samples = new Samples(values);
        String ratio = floor == null
                ? ""
                : "%.2f".formatted(samples.over(new Samples(floor)).median());
        System.out.printf(
                "| %s | %.3g %s | %.3g-%.3g | %s |%n",
                what, samples.median(), unit, samples.minimum(), samples.maximum(), ratio);
    }
}
