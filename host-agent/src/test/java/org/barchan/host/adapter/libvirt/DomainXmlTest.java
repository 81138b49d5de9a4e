package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPathFactory;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.Transport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

final class DomainXmlTest {
    private static final UUID ID = UUID.fromString("01234567-89ab-4cde-8f01-23456789abcd");

    private static String text(MachineSpec spec) {
        return new DomainXml(ID, spec, Optional.of(spec.runAs()), Optional.empty()).text();
    }

    private static String at(String xml, String path) throws Exception {
        Document document = DocumentBuilderFactory.newDefaultInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(xml)));
        return XPathFactory.newDefaultInstance().newXPath().evaluate(path, document);
    }

    @Test
    void text_socketPathTooLong_saysWhichAndHowLong() {
        MachineSpec spec = Specs.spec(Specs.record(Path.of("/run/" + "ü".repeat(50))));
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> text(spec));
        assertTrue(Specs.messageOf(e).startsWith("link socket: /run/ü"), Specs.messageOf(e));
        assertTrue(Specs.messageOf(e).contains("has 115 bytes (expected: at most 107"), Specs.messageOf(e));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u001b[2J", "\u0000", "\ufffe", "a\ud800b"})
    void text_characterThatXmlLacks_isRefusedAndEscaped(String bad) {
        MachineSpec good = Specs.spec(Specs.record(Path.of("/run/s")));
        MachineSpec spec = new MachineSpec(
                good.record(),
                good.memory(),
                1,
                good.kernel(),
                good.initrd(),
                "a" + bad,
                List.of(),
                List.of(),
                Specs.NOBODY,
                Optional.empty());
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> text(spec));
        assertTrue(Specs.messageOf(e).matches("cmdline: a+\\\\.*"), Specs.messageOf(e));
        assertEquals(Specs.messageOf(e), Printable.of(Specs.messageOf(e)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0123456789012345678901234567890x", "ééééééééééééééééé"})
    void text_shareTagOfWrongLength_isRefused(String tag) {
        MachineSpec spec = Specs.spec(
                Specs.record(Path.of("/run/s")),
                Path.of("/k"),
                Path.of("/i"),
                List.of(new MachineSpec.Share(tag, Transport.NINEP, Path.of("/"), true)));
        assertThrows(IllegalArgumentException.class, () -> text(spec));
    }

    @Test
    void text_hasLibvirtNotLookAtEachPropertyOfTheCpu() throws Exception {
        String xml = text(Specs.spec(Specs.record(Path.of("/run/s"))));
        assertEquals(
                "cpu-unavailable-features",
                at(xml, "/domain/*[local-name()='capabilities']/*[local-name()='del']/@capability"));
    }

    @Test
    void text_relativePath_isRefused() {
        MachineSpec spec = Specs.spec(Specs.record(Path.of("/run/s")), Path.of("vmlinuz"), Path.of("/i"), List.of());
        assertThrows(IllegalArgumentException.class, () -> text(spec));
    }

    @Test
    void text_nastyPath_isReadBackAsItWas() throws Exception {
        String nasty = "/a\"b'c<d>&e;,f\ng\th ü\ud83d\ude00]]>=${x}";
        MachineSpec spec = Specs.spec(
                Specs.record(Path.of("/run/s")),
                Path.of(nasty),
                Path.of("/i"),
                List.of(new MachineSpec.Share("tag", Transport.NINEP, Path.of(nasty), true)));
        String xml = text(spec);
        assertEquals(nasty, at(xml, "/domain/os/kernel"));
        assertEquals(nasty, at(xml, "/domain/devices/filesystem/source/@dir"));
        assertEquals(xml, new String(xml.getBytes(StandardCharsets.US_ASCII), StandardCharsets.US_ASCII));
    }

    @Test
    void text_virtiofs_hasASocketAndSharedMemory() throws Exception {
        String xml = text(Specs.spec(
                Specs.record(Path.of("/run/s")),
                Path.of("/k"),
                Path.of("/i"),
                List.of(new MachineSpec.Share("tag", Transport.VIRTIOFS, Path.of("/run/s/a.socket"), true))));
        assertEquals("virtiofs", at(xml, "/domain/devices/filesystem/driver/@type"));
        assertEquals("/run/s/a.socket", at(xml, "/domain/devices/filesystem/source/@socket"));
        assertEquals("shared", at(xml, "/domain/memoryBacking/access/@mode"));
        assertEquals(
                "0", at(text(Specs.spec(Specs.record(Path.of("/run/s")))), "count(/domain/memoryBacking)"), "by 9p");
    }

    @Test
    void text_ofTcg_hasNoDeviceThatNobodyAskedFor() throws Exception {
        String xml = text(Specs.spec(Specs.record(Path.of("/run/s"))));
        assertEquals("qemu", at(xml, "/domain/@type"));
        assertEquals("maximum", at(xml, "/domain/cpu/@mode"));
        assertEquals("disable", at(xml, "/domain/cpu/feature[@name='erms']/@policy"));
        assertEquals("262144", at(xml, "/domain/memory[@unit='KiB']"));
        assertEquals("5", at(xml, "count(/domain/devices/*)"));
        assertEquals("none", at(xml, "/domain/devices/controller[@type='usb']/@model"));
        assertEquals("none", at(xml, "/domain/devices/memballoon/@model"));
        assertEquals("/run/s/link.sock", at(xml, "/domain/devices/channel/source[@mode='bind']/@path"));
        assertEquals("org.barchan.link", at(xml, "/domain/devices/channel/target[@type='virtio']/@name"));
        assertEquals("/run/s/console.sock", at(xml, "/domain/devices/serial/source[@mode='bind']/@path"));
        assertEquals("+65534:+65534", at(xml, "/domain/seclabel[@model='dac'][@relabel='no']/label"));
    }

    @Test
    void text_withoutUser_hasNoLabel() throws Exception {
        MachineSpec spec = Specs.spec(Specs.record(Path.of("/run/s")));
        assertEquals(
                "0", at(new DomainXml(ID, spec, Optional.empty(), Optional.empty()).text(), "count(/domain/seclabel)"));
    }
}
