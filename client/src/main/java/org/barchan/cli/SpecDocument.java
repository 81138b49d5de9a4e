package org.barchan.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.barchan.cli.option.DiskOption;
import org.barchan.cli.option.KeepOptions;
import org.barchan.cli.option.MountOption;
import org.barchan.cli.option.ProcessOptions;
import org.barchan.cli.option.PublishOptions;
import org.barchan.client.RawText;
import org.barchan.client.SandboxSpec;
import org.barchan.client.Transport;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;

/** A sandbox and its command as {@link SpecFile} reads it. What is not set is not there. */
final class SpecDocument {
    private static final Gson GSON =
            new GsonBuilder().disableHtmlEscaping().setPrettyPrinting().create();

    private final Map<String, Object> values = new LinkedHashMap<>();

    SpecDocument(
            SandboxSpec sandbox,
            ProcessOptions process,
            KeepOptions keep,
            PublishOptions publish,
            List<String> command,
            Caller caller) {
        sandbox.name().ifPresent(value -> values.put("name", value));
        list(
                "label",
                sandbox.labels().entrySet().stream()
                        .map(label -> label.getKey() + "=" + label.getValue())
                        .toList());
        sandbox.maxLifetime().ifPresent(value -> values.put("max-lifetime", seconds(value)));
        sandbox.idleTimeout().ifPresent(value -> values.put("idle-timeout", seconds(value)));
        sandbox.memoryBytes().ifPresent(value -> values.put("memory", Long.toString(value)));
        sandbox.vcpus().ifPresent(value -> values.put("vcpus", Integer.toString(value)));
        sandbox.rootDirectory().ifPresent(value -> values.put("root", value));
        if (sandbox.rootMode().isOverlay()) {
            values.put(
                    "root-mode",
                    MountOption.text(sandbox.rootMode())
                            + (sandbox.rootOverlayBytes().isPresent()
                                    ? "=" + sandbox.rootOverlayBytes().getAsLong()
                                    : ""));
        }
        flag("expose-host-root", sandbox.exposeHostRoot());
        if (sandbox.rootTransport() != Transport.AUTO) {
            values.put("root-transport", MountOption.text(sandbox.rootTransport()));
        }
        list("mount", sandbox.mounts().stream().map(MountOption::text).toList());
        list("disk", sandbox.disks().stream().map(DiskOption::text).toList());
        sandbox.kernelImage().ifPresent(value -> values.put("kernel", value));
        sandbox.kernelModules().ifPresent(value -> values.put("kernel-modules", value));
        list("kernel-arg", sandbox.kernelArguments());
        switch (sandbox.accelerator()) {
            case AUTO -> {}
            case KVM -> values.put("accel", "kvm");
            case TCG -> values.put("accel", "tcg");
        }
        sandbox.libvirtUri().ifPresent(value -> values.put("connect", value));
        flag("debug", sandbox.debug());
        flag("no-template", !sandbox.fromTemplate());
        list(
                "env",
                process.environment().stream()
                        .map(variable -> variable.name()
                                + variable.value().map(value -> "=" + value).orElse(""))
                        .toList());
        flag("clear-env", process.clearEnvironment());
        process.workingDirectory(caller::absolute).ifPresent(value -> values.put("cwd", value));
        process.user().ifPresent(value -> values.put("user", value));
        flag("privileged", process.privileged());
        flag("tty", process.tty());
        process.timeout().ifPresent(value -> values.put("timeout", seconds(value)));
        process.limits().addTo(values);
        keep.addTo(values);
        publish.addTo(values);
        list(SpecFile.COMMAND, command);
    }

    private static String seconds(Duration time) {
        return BigDecimal.valueOf(time.getSeconds())
                .add(BigDecimal.valueOf(time.getNano(), 9))
                .stripTrailingZeros()
                .toPlainString();
    }

    private void flag(String key, boolean value) {
        if (value) {
            values.put(key, true);
        }
    }

    private void list(String key, List<String> items) {
        if (!items.isEmpty()) {
            values.put(key, items);
        }
    }

    /** Returns the keys that are set. */
    List<String> keys() {
        return List.copyOf(values.keySet());
    }

    String yaml() {
        DumpSettings settings = DumpSettings.builder()
                .setDefaultFlowStyle(FlowStyle.BLOCK)
                .setSplitLines(false)
                .build();
        return new Dump(settings).dumpToString(expressible(values));
    }

    String json() {
        return GSON.toJson(expressible(values)) + "\n";
    }

    /** Text that is not UTF-8 can't stand in either. */
    private static Object expressible(Object value) {
        if (value instanceof Map<?, ?> map) {
            Map<Object, Object> copy = new LinkedHashMap<>();
            map.forEach((key, item) -> copy.put(key, expressible(item)));
            return copy;
        }
        if (value instanceof List<?> list) {
            List<Object> copy = new ArrayList<>();
            list.forEach(item -> copy.add(expressible(item)));
            return copy;
        }
        return value instanceof String text && RawText.hasBytes(text)
                ? Map.of("base64", Base64.getEncoder().encodeToString(RawText.encode(text)))
                : value;
    }
}
