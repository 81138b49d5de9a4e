package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.barchan.host.port.MachineRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class DomainMetadataTest {
    private static final MachineRecord RECORD = Specs.record(Path.of("/run/a\"b'<c>&\nd ü\ud83d\ude00"));

    private static String written() {
        return XmlText.of(xml -> DomainMetadata.write(RECORD, xml));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "not xml",
                "<sandbox",
                "<other/>",
                "<sandbox/>",
                "<sandbox>text</sandbox>",
                "<sandbox><id><b/></id></sandbox>",
                "<!DOCTYPE sandbox [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><sandbox><id>&e;</id></sandbox>"
            })
    void read_damagedElement_isRefused(String element) {
        assertThrows(IllegalArgumentException.class, () -> DomainMetadata.read(element));
    }

    @ParameterizedTest
    @CsvSource({
        "b-[a-z0-9]{12},../../etc",
        ">test<,>Not a name<",
        "2026-01-02T,yesterday",
        "KEEP,PERHAPS",
        ">TCG<,>tcg<",
        "/run/,run/",
        "kernel-release,kernel"
    })
    void read_damagedField_isRefused(String good, String bad) {
        String element = written().replaceAll(good, bad);
        assertThrows(IllegalArgumentException.class, () -> DomainMetadata.read(element));
    }

    @Test
    void read_whatWasWritten_isTheSame() {
        assertEquals(RECORD, DomainMetadata.read(written()));
    }

    @Test
    void read_fieldOfALaterRelease_isPassedOver() {
        String later = written().replace("<barchan:name>", "<barchan:owner>someone</barchan:owner><barchan:name>");
        assertEquals(RECORD, DomainMetadata.read(later));
    }
}
