package org.barchan.bench;

import java.util.Arrays;
import java.util.List;

/** Measured values of one kind. */
record Samples(List<Double> values) {
    Samples {
        values = List.copyOf(values);
        if (values.isEmpty()) {
            throw new IllegalArgumentException("samples: none (expected: one or more)");
        }
    }

    double median() {
        return quantile(0.5);
    }

    double quantile(double q) {
        double[] sorted = sorted();
        return sorted[(int) Math.round(q * (sorted.length - 1))];
    }

    double minimum() {
        return sorted()[0];
    }

    double maximum() {
        return sorted()[values.size() - 1];
    }

    /** Returns the ratio of each value to the one that was measured beside it, so that a machine that changes its pace cancels out. */
    Samples over(Samples other) {
        if (values.size() != other.values.size()) {
            throw new IllegalArgumentException(
                    "samples: " + values.size() + " (expected: as many as the others, " + other.values.size() + ")");
        }
        Double[] ratios = new Double[values.size()];
        Arrays.setAll(ratios, i -> values.get(i) / other.values.get(i));
        return new Samples(List.of(ratios));
    }

    private double[] sorted() {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return sorted;
    }
}
