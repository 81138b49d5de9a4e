package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.KernelArgument;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.MemorySize;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TemplateDescriptionTest {
    private static final TemplateDescription PLAIN = new TemplateDescription(
            Instant.parse("2026-01-02T03:04:05.000000006Z"),
            "6.1",
            new KernelChoice.Newest(),
            false,
            Accelerator.TCG,
            MemorySize.DEFAULT,
            1,
            List.of(),
            new HostUser(7, 8));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create-time=2026-01-02T03:04:05.000000006Z",
                "kernel-release=6.1",
                "accelerator=TCG",
                "memory-bytes=536870912",
                "vcpus=1",
                "uid=7",
                "disks=false"
            })
    void parse_withoutALine_isRefused(String line) {
        String whole = PLAIN.text().replace("\\:", ":");
        String text = whole.replace(line + System.lineSeparator(), "");
        assertEquals(whole.length() - line.length() - System.lineSeparator().length(), text.length());
        assertThrows(IllegalArgumentException.class, () -> TemplateDescription.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create-time=soon",
                "accelerator=HVF",
                "memory-bytes=1",
                "vcpus=x",
                "uid=-1",
                "\\u12",
                "kernel-image=\\u0000"
            })
    void parse_ofAnotherValue_isRefused(String line) {
        // The last one counts.
        assertThrows(IllegalArgumentException.class, () -> TemplateDescription.parse(PLAIN.text() + line + "\n"));
    }

    @Test
    void parse_text_isTheSame() {
        assertEquals(PLAIN, TemplateDescription.parse(PLAIN.text()));
        TemplateDescription full = new TemplateDescription(
                Instant.EPOCH,
                "6.1 of mine",
                KernelChoice.Image.of(Path.of("/a b/\n=\u00e9"), Path.of("/ m:#!")),
                true,
                Accelerator.KVM,
                MemorySize.MINIMUM,
                255,
                List.of(new KernelArgument("dyndbg=\"file a +p\""), new KernelArgument("nosmt")),
                new HostUser(0, 0));
        assertEquals(full, TemplateDescription.parse(full.text()));
    }
}
