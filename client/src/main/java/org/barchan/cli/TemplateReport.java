package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.barchan.client.Template;

/** What the verbs of templates print of them. */
final class TemplateReport {
    private static final long MIB = 1 << 20;
    /** What could not be read. */
    private static final String UNKNOWN = "?";

    private TemplateReport() {}

    static JsonArray json(List<Template> templates) {
        JsonArray all = new JsonArray();
        templates.forEach(template -> all.add(json(template)));
        return all;
    }

    static JsonObject json(Template template) {
        JsonObject json = new JsonObject();
        json.addProperty("id", template.id());
        json.addProperty("sizeBytes", template.sizeBytes());
        template.createTime().ifPresent(time -> json.addProperty("createTime", time.toString()));
        template.lastUseTime().ifPresent(time -> json.addProperty("lastUseTime", time.toString()));
        template.kind().ifPresent(kind -> {
            json.addProperty("kernelRelease", kind.kernelRelease());
            json.addProperty("accelerator", JsonReport.lower(kind.accelerator()));
            json.addProperty("memoryBytes", kind.memoryBytes());
            json.addProperty("vcpus", kind.vcpus());
            json.addProperty("disks", kind.disks());
            JsonArray arguments = new JsonArray();
            kind.kernelArguments().forEach(arguments::add);
            json.add("kernelArguments", arguments);
        });
        return json;
    }

    static String text(List<Template> templates) {
        StringBuilder text = new StringBuilder(
                row("ID", "SIZE", "KERNEL", "ACCEL", "MEMORY", "VCPUS", "DISKS", "CREATED", "LAST-USED", "ARGUMENTS"));
        for (Template template : templates) {
            text.append(row(
                    template.id(),
                    size(template.sizeBytes()),
                    of(template, Template.Kind::kernelRelease),
                    of(template, kind -> JsonReport.lower(kind.accelerator())),
                    of(template, kind -> size(kind.memoryBytes())),
                    of(template, kind -> Integer.toString(kind.vcpus())),
                    of(template, kind -> kind.disks() ? "yes" : "no"),
                    template.createTime().map(TemplateReport::seconds).orElse(UNKNOWN),
                    template.lastUseTime().map(TemplateReport::seconds).orElse("never"),
                    of(template, kind -> String.join(" ", kind.kernelArguments()))));
        }
        return text.toString();
    }

    /** As --memory takes it; up to a MiB more than it is. */
    static String size(long bytes) {
        return (bytes + MIB - 1) / MIB + "M";
    }

    private static String seconds(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private static String of(Template template, Function<Template.Kind, String> part) {
        Optional<Template.Kind> kind = template.kind();
        return kind.isPresent() ? part.apply(kind.get()) : UNKNOWN;
    }

    private static String row(String... cells) {
        return String.format("%-32s %-5s %-24s %-5s %-6s %-5s %-5s %-20s %-20s %s", (Object[]) cells)
                        .stripTrailing()
                + "\n";
    }
}
