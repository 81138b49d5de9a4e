package org.barchan.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** All figures on a page, and a picture of where the time of a start goes: each row a way, each box a step, as wide as it is long. */
final class Report {
    private static final int WIDTH = 1200;
    private static final int HEIGHT = 22;
    /** A box that is narrower has its name where the pointer is only. */
    private static final int NAMED = 60;

    private static final double LETTER = 6.5;
    private static final List<String> COLOURS =
            List.of("#f4a259", "#f6c28b", "#8cb369", "#bcd9a0", "#5b8e7d", "#9cc5b8", "#bc4b51", "#dd9599");

    private final StringBuilder page = new StringBuilder();

    private Report() {}

    /** Writes it. */
    static void write(Path file, List<String> tableLines, List<Timeline> timelines) throws IOException {
        Report report = new Report();
        report.page
                .append(
                        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Barchan: benchmark</title>\n")
                .append("<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}")
                .append(
                        "td,th{border:1px solid #ccc;padding:.3em .6em;text-align:left}svg text{font:11px sans-serif}</style>")
                .append("</head><body><h1>Barchan: benchmark</h1>\n");
        report.pictures(timelines);
        report.tables(tableLines);
        report.page.append("</body></html>\n");
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, report.page);
    }

    private void pictures(List<Timeline> timelines) {
        double most = timelines.stream().mapToDouble(Timeline::end).max().orElse(1);
        for (Timeline timeline : timelines) {
            page.append("<h2>")
                    .append(escaped(timeline.what()))
                    .append(String.format(Locale.ROOT, ": %.0f ms</h2>%n", timeline.end()))
                    .append(String.format("<svg width=\"%d\" height=\"%d\">%n", WIDTH, 3 * HEIGHT));
            double scale = WIDTH / most;
            box(0, timeline.end(), 0, scale, timeline.what(), "#ddd");
            double before = 0;
            double partsFrom = 0;
            int number = 0;
            for (Timeline.Mark mark : timeline.marks()) {
                String colour = COLOURS.get(number++ % COLOURS.size());
                if (mark.isPart()) {
                    box(Math.max(before, partsFrom), mark.at(), 2, scale, mark.what(), colour);
                    partsFrom = mark.at();
                } else {
                    box(before, mark.at(), 1, scale, mark.what(), colour);
                    before = mark.at();
                }
            }
            page.append("</svg>\n");
        }
    }

    private void box(double from, double to, int row, double scale, String what, String colour) {
        double width = (to - from) * scale;
        page.append(String.format(
                Locale.ROOT,
                "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"><title>%s: %.1f ms</title></rect>%n",
                from * scale,
                row * HEIGHT,
                Math.max(0.5, width - 0.5),
                HEIGHT - 1,
                colour,
                escaped(what),
                to - from));
        if (width >= NAMED) {
            String name = what.substring(0, Math.min(what.length(), (int) ((width - 6) / LETTER)));
            page.append(String.format(
                    Locale.ROOT,
                    "<text x=\"%.1f\" y=\"%d\" pointer-events=\"none\">%s</text>%n",
                    from * scale + 3,
                    row * HEIGHT + HEIGHT - 7,
                    escaped(name)));
        }
    }

    private void tables(List<String> lines) {
        boolean open = false;
        for (String line : lines) {
            if (line.startsWith("|---")) {
                continue;
            }
            boolean head = line.startsWith("| what |");
            if (head) {
                page.append(open ? "</table>\n<table>" : "<table>");
                open = true;
            }
            page.append("<tr>");
            String[] cells = line.split("\\|", -1);
            for (int i = 1; i < cells.length - 1; i++) {
                page.append(head ? "<th>" : "<td>")
                        .append(escaped(cells[i].strip()))
                        .append(head ? "</th>" : "</td>");
            }
            page.append("</tr>\n");
        }
        page.append(open ? "</table>\n" : "");
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
    }
}
