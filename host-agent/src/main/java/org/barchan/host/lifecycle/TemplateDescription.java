package org.barchan.host.lifecycle;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.KernelArgument;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.MemorySize;

/**
 * What a template was made of: enough to tell a person, and to find out whether one that is made today would be another.
 *
 * @param kernelRelease as {@code uname -r} prints it
 * @param kernel what was asked for
 * @param disks whether it is for sandboxes with disks
 * @param vcpus number of virtual CPUs
 * @param runAs the user that its QEMU was
 */
public record TemplateDescription(
        Instant createTime,
        String kernelRelease,
        KernelChoice kernel,
        boolean disks,
        Accelerator accelerator,
        MemorySize memory,
        int vcpus,
        List<KernelArgument> kernelArguments,
        HostUser runAs) {
    private static final String ARGUMENT = "kernel-argument.";

    public TemplateDescription {
        kernelArguments = List.copyOf(kernelArguments);
    }

    static TemplateDescription of(Instant createTime, GuestBoot.Plan plan) {
        return new TemplateDescription(
                createTime,
                plan.files().release(),
                plan.files().choice(),
                plan.files().disks(),
                plan.accelerator(),
                plan.memory(),
                plan.vcpus(),
                plan.kernelArguments(),
                plan.runAs());
    }

    /** Returns what one that is made today would be made of. */
    GuestBoot.Plan plan(BootFileSet files) {
        return GuestBoot.Plan.bare(
                "template",
                accelerator,
                files,
                memory,
                vcpus,
                kernelArguments,
                runAs,
                Hypervisors.DEFAULT_URI,
                Duration.ZERO);
    }

    /** Returns what {@link #parse} reads. */
    String text() {
        Properties text = new Properties();
        text.setProperty("create-time", createTime.toString());
        text.setProperty("kernel-release", kernelRelease);
        if (kernel instanceof KernelChoice.Image(Path image, Optional<Path> modules)) {
            text.setProperty("kernel-image", image.toString());
            modules.ifPresent(directory -> text.setProperty("kernel-modules", directory.toString()));
        }
        text.setProperty("disks", Boolean.toString(disks));
        text.setProperty("accelerator", accelerator.name());
        text.setProperty("memory-bytes", Long.toString(memory.bytes()));
        text.setProperty("vcpus", Integer.toString(vcpus));
        for (int i = 0; i < kernelArguments.size(); i++) {
            text.setProperty(ARGUMENT + i, kernelArguments.get(i).text());
        }
        text.setProperty("uid", Integer.toString(runAs.uid()));
        text.setProperty("gid", Integer.toString(runAs.gid()));
        StringWriter written = new StringWriter();
        try {
            text.store(written, null);
        } catch (IOException e) {
            throw new UncheckedIOException("memory takes all that is written", e);
        }
        return written.toString();
    }

    /** @throws IllegalArgumentException when it is none */
    static TemplateDescription parse(String text) {
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(text));
            return new TemplateDescription(
                    Instant.parse(value(properties, "create-time")),
                    value(properties, "kernel-release"),
                    kernel(properties),
                    Boolean.parseBoolean(value(properties, "disks")),
                    Accelerator.valueOf(value(properties, "accelerator")),
                    new MemorySize(Long.parseLong(value(properties, "memory-bytes"))),
                    Integer.parseInt(value(properties, "vcpus")),
                    kernelArguments(properties),
                    new HostUser(
                            Integer.parseInt(value(properties, "uid")), Integer.parseInt(value(properties, "gid"))));
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException("memory can be read", e);
        }
    }

    private static KernelChoice kernel(Properties properties) {
        Optional<Path> modules =
                Optional.ofNullable(properties.getProperty("kernel-modules")).map(Path::of);
        return Optional.ofNullable(properties.getProperty("kernel-image"))
                .<KernelChoice>map(image -> new KernelChoice.Image(Path.of(image), modules))
                .orElseGet(KernelChoice.Newest::new);
    }

    private static List<KernelArgument> kernelArguments(Properties properties) {
        List<KernelArgument> arguments = new ArrayList<>();
        for (int i = 0; properties.containsKey(ARGUMENT + i); i++) {
            arguments.add(new KernelArgument(value(properties, ARGUMENT + i)));
        }
        return arguments;
    }

    private static String value(Properties properties, String key) {
        return Optional.ofNullable(properties.getProperty(key))
                .orElseThrow(() -> new IllegalArgumentException(key + ": missing"));
    }
}
