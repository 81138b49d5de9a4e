package org.barchan.host.adapter.libvirt;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.Transport;

/**
 * The domain of a machine, as <a href="https://libvirt.org/formatdomain.html">libvirt's XML</a>: a PC with the link, a console, the
 * shares and disks, and no device besides what such a machine cannot be without.
 *
 * @param user what QEMU is to run as; empty: as whoever runs libvirt
 * @param incoming the socket at which QEMU waits for what it goes on from; empty: its guest boots
 */
record DomainXml(UUID uuid, MachineSpec spec, Optional<HostUser> user, Optional<Path> incoming) {
    /** Room in a {@code sockaddr_un}, less the final NUL. */
    static final int MAX_SOCKET_PATH_BYTES = 107;

    /** What the names of all of Barchan's domains begin with. */
    static final String PREFIX = "barchan-";

    private static final String QEMU = "http://libvirt.org/schemas/domain/qemu/1.0";

    private static final int MAX_TAG_BYTES = 31;
    private static final int LETTERS = 26;

    static String domainName(SandboxId id) {
        return PREFIX + id.value();
    }

    /**
     * Returns the XML.
     *
     * @throws IllegalArgumentException when a value cannot be a part of a domain, saying which and why
     */
    String text() {
        return XmlText.of(this::writeDomain);
    }

    private void writeDomain(XMLStreamWriter xml) throws XMLStreamException {
        boolean kvm = spec.record().accelerator() == Accelerator.KVM;
        xml.writeStartElement("domain");
        xml.writeAttribute("type", kvm ? "kvm" : "qemu");
        writeText(xml, "name", domainName(spec.record().id()));
        writeText(xml, "uuid", uuid.toString());
        xml.writeStartElement("metadata");
        DomainMetadata.write(spec.record(), xml);
        xml.writeEndElement();
        xml.writeStartElement("memory");
        xml.writeAttribute("unit", "KiB");
        xml.writeCharacters(Long.toString(spec.memory().kibibytes()));
        xml.writeEndElement();
        if (incoming.isPresent() || spec.shares().stream().anyMatch(share -> share.transport() == Transport.VIRTIOFS)) {
            // A server of its own reads and writes the guest's memory; the agent fills that of one that goes on from
            // another.
            xml.writeStartElement("memoryBacking");
            writeEmpty(xml, "source", "type", "memfd");
            writeEmpty(xml, "access", "mode", "shared");
            xml.writeEndElement();
        }
        writeText(xml, "vcpu", Integer.toString(spec.vcpus()));
        writeBoot(xml);
        writeProcessor(xml, kvm);
        // The guest powers off through ACPI. One that resets itself has lost what it ran: it must not run on as
        // another.
        writeText(xml, "on_poweroff", "destroy");
        writeText(xml, "on_reboot", "destroy");
        writeText(xml, "on_crash", "destroy");
        writeDevices(xml);
        if (user.isPresent()) {
            writeUser(xml, user.get());
        }
        xml.setPrefix("qemu", QEMU);
        writeSparingStart(xml);
        if (incoming.isPresent()) {
            writeIncoming(xml, incoming.get());
        }
        xml.writeEndElement();
    }

    /**
     * Libvirt looks at each of the 370 properties that the CPU of a new QEMU has, one by one, which takes three quarters of the start; unless it
     * takes QEMU for one that can't tell why it lacks a feature. What it finds is of use for migration alone.
     */
    private static void writeSparingStart(XMLStreamWriter xml) throws XMLStreamException {
        xml.writeStartElement(QEMU, "capabilities");
        xml.writeStartElement(QEMU, "del");
        xml.writeAttribute("capability", "cpu-unavailable-features");
        xml.writeEndElement();
        xml.writeEndElement();
    }

    /** Libvirt's own way takes machines of the same name, uuid and devices only. */
    private static void writeIncoming(XMLStreamWriter xml, Path socket) throws XMLStreamException {
        xml.writeStartElement(QEMU, "commandline");
        for (String argument : List.of("-incoming", "unix:" + absolute("socket", socket))) {
            xml.writeStartElement(QEMU, "arg");
            xml.writeAttribute("value", argument);
            xml.writeEndElement();
        }
        xml.writeEndElement();
    }

    /** What is there of its own server can't be part of a machine that takes over another's state: it comes right after that. */
    private boolean isPluggedLater(MachineSpec.Share share) {
        return incoming.isPresent() && share.transport() == Transport.VIRTIOFS;
    }

    /** Returns the devices to plug in once the machine has taken over what it goes on from. */
    List<String> devicesPluggedLater() {
        return spec.shares().stream()
                .filter(this::isPluggedLater)
                .map(share -> XmlText.of(xml -> writeShare(xml, share)))
                .toList();
    }

    private void writeBoot(XMLStreamWriter xml) throws XMLStreamException {
        xml.writeStartElement("os");
        xml.writeStartElement("type");
        xml.writeAttribute("arch", "x86_64");
        // Not q35: its root ports cost a guest boot time.
        xml.writeAttribute("machine", "pc");
        xml.writeCharacters("hvm");
        xml.writeEndElement();
        writeText(xml, "kernel", absolute("kernel", spec.kernel()));
        writeText(xml, "initrd", absolute("initrd", spec.initrd()));
        writeText(xml, "cmdline", spec.commandLine());
        xml.writeEndElement();
    }

    private static void writeProcessor(XMLStreamWriter xml, boolean kvm) throws XMLStreamException {
        xml.writeStartElement("features");
        writeEmpty(xml, "acpi");
        writeEmpty(xml, "apic");
        writeEmpty(xml, "vmport", "state", "off");
        xml.writeEndElement();
        xml.writeStartElement("cpu");
        // Programs of the host run in the guest, and may need any instruction that the host has: x86-64-v2, -v3.
        xml.writeAttribute("mode", kvm ? "host-passthrough" : "maximum");
        xml.writeAttribute("check", "none");
        if (!kvm) {
            // "Fast" string instructions are what QEMU emulates byte by byte: kernel and C library copy and clear
            // memory eight times
            // faster without.
            writeEmpty(xml, "feature", "policy", "disable", "name", "erms");
            writeEmpty(xml, "feature", "policy", "disable", "name", "fsrm");
        }
        xml.writeEndElement();
        xml.writeStartElement("clock");
        xml.writeAttribute("offset", "utc");
        writeEmpty(xml, "timer", "name", "hpet", "present", "no");
        xml.writeEndElement();
        xml.writeStartElement("pm");
        writeEmpty(xml, "suspend-to-mem", "enabled", "no");
        writeEmpty(xml, "suspend-to-disk", "enabled", "no");
        xml.writeEndElement();
    }

    private void writeDevices(XMLStreamWriter xml) throws XMLStreamException {
        xml.writeStartElement("devices");
        // Libvirt adds a USB controller and a balloon unless they are refused.
        writeEmpty(xml, "controller", "type", "usb", "model", "none");
        writeEmpty(xml, "memballoon", "model", "none");
        // Port 0 is kept for a console; port 1 is the link.
        xml.writeStartElement("controller");
        xml.writeAttribute("type", "virtio-serial");
        xml.writeAttribute("index", "0");
        xml.writeAttribute("ports", "2");
        // Where it is for a guest that goes on from another machine, which has no other device.
        writeEmpty(xml, "address", "type", "pci", "domain", "0", "bus", "0", "slot", "3", "function", "0");
        xml.writeEndElement();
        writeLink(xml);
        writeConsole(xml);
        for (MachineSpec.Share share : spec.shares()) {
            if (!isPluggedLater(share)) {
                writeShare(xml, share);
            }
        }
        for (int i = 0; i < spec.disks().size(); i++) {
            writeDisk(xml, spec.disks().get(i), i);
        }
        xml.writeEndElement();
    }

    private void writeLink(XMLStreamWriter xml) throws XMLStreamException {
        xml.writeStartElement("channel");
        xml.writeAttribute("type", "unix");
        writeSocket(xml, "link socket", spec.record().linkSocket());
        writeEmpty(xml, "target", "type", "virtio", "name", MachineSpec.LINK_PORT);
        xml.writeEndElement();
    }

    /** A socket, since a log file would grow by whatever the guest prints. What nobody reads is dropped. */
    private void writeConsole(XMLStreamWriter xml) throws XMLStreamException {
        xml.writeStartElement("serial");
        xml.writeAttribute("type", "unix");
        writeSocket(xml, "console socket", spec.record().consoleSocket());
        xml.writeStartElement("target");
        xml.writeAttribute("type", "isa-serial");
        xml.writeAttribute("port", "0");
        xml.writeEndElement();
        xml.writeEndElement();
    }

    private static void writeSocket(XMLStreamWriter xml, String what, Path socket) throws XMLStreamException {
        String path = absolute(what, socket);
        int bytes = path.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_SOCKET_PATH_BYTES) {
            throw new IllegalArgumentException(what + ": " + Printable.of(path) + " has " + bytes
                    + " bytes (expected: at most " + MAX_SOCKET_PATH_BYTES
                    + ", all that a unix socket's address holds): choose a shorter runtime directory");
        }
        writeEmpty(xml, "source", "mode", "bind", "path", path);
    }

    private static void writeShare(XMLStreamWriter xml, MachineSpec.Share share) throws XMLStreamException {
        int tagBytes = share.tag().getBytes(StandardCharsets.UTF_8).length;
        if (tagBytes < 1 || tagBytes > MAX_TAG_BYTES) {
            throw new IllegalArgumentException(
                    "share tag: '" + Printable.of(share.tag()) + "' (expected: 1 to " + MAX_TAG_BYTES + " bytes)");
        }
        xml.writeStartElement("filesystem");
        xml.writeAttribute("type", "mount");
        if (share.transport() == Transport.VIRTIOFS) {
            writeEmpty(xml, "driver", "type", "virtiofs");
            writeEmpty(xml, "source", "socket", absolute("virtiofs socket", share.source()));
        } else {
            // Files are what they are on the host, and nothing is kept in extended attributes; what is made there
            // belongs to QEMU's user, who may give it to no one else.
            xml.writeAttribute("accessmode", share.readOnly() ? "passthrough" : "squash");
            // A tree of several file systems has the same inode numbers more than once; the guest must tell them apart.
            xml.writeAttribute("multidevs", "remap");
            writeEmpty(xml, "source", "dir", absolute("shared directory", share.source()));
        }
        writeEmpty(xml, "target", "dir", XmlText.requireWritable("share tag", share.tag()));
        if (share.readOnly() && share.transport() == Transport.NINEP) {
            writeEmpty(xml, "readonly");
        }
        xml.writeEndElement();
    }

    /** Nothing about the file is found out, changed or remembered: not its format, nor what it depends on, nor its owner. */
    private static void writeDisk(XMLStreamWriter xml, MachineSpec.Disk disk, int index) throws XMLStreamException {
        xml.writeStartElement("disk");
        xml.writeAttribute("type", "file");
        xml.writeAttribute("device", "disk");
        writeEmpty(
                xml,
                "driver",
                "name",
                "qemu",
                "type",
                disk.format().toString(),
                // What the guest flushes is on the host's disk, where anyone wants it there.
                "cache",
                disk.ephemeral() ? "unsafe" : "writeback",
                // The guest is told, and does not stand still until someone looks.
                "error_policy",
                "report",
                "rerror_policy",
                "report",
                "discard",
                "unmap");
        writeEmpty(xml, "source", "file", absolute("disk image", disk.source()));
        writeEmpty(xml, "backingStore");
        writeEmpty(xml, "target", "dev", diskName(index), "bus", "virtio");
        if (disk.readOnly()) {
            writeEmpty(xml, "readonly");
        }
        writeText(xml, "serial", disk.serial());
        xml.writeEndElement();
    }

    /** Returns vda to vdz, vdaa to vdzz and so on. */
    static String diskName(int index) {
        StringBuilder letters = new StringBuilder();
        for (int rest = index; rest >= 0; rest = rest / LETTERS - 1) {
            letters.insert(0, (char) ('a' + rest % LETTERS));
        }
        return "vd" + letters;
    }

    /** A fixed label without relabelling: QEMU runs as that user, and libvirt gives it no file of the host. */
    private static void writeUser(XMLStreamWriter xml, HostUser user) throws XMLStreamException {
        xml.writeStartElement("seclabel");
        xml.writeAttribute("type", "static");
        xml.writeAttribute("model", "dac");
        xml.writeAttribute("relabel", "no");
        // "+" makes it a number, never a user's name.
        writeText(xml, "label", "+" + user.uid() + ":+" + user.gid());
        xml.writeEndElement();
    }

    /** Not the writer's own writeEmptyElement: over a tree, that gives the attributes that follow to the parent. */
    private static void writeEmpty(XMLStreamWriter xml, String element, String... namesAndValues)
            throws XMLStreamException {
        xml.writeStartElement(element);
        for (int i = 0; i < namesAndValues.length; i += 2) {
            xml.writeAttribute(namesAndValues[i], namesAndValues[i + 1]);
        }
        xml.writeEndElement();
    }

    private static void writeText(XMLStreamWriter xml, String element, String text) throws XMLStreamException {
        xml.writeStartElement(element);
        xml.writeCharacters(XmlText.requireWritable(element, text));
        xml.writeEndElement();
    }

    private static String absolute(String what, Path path) {
        if (!path.isAbsolute()) {
            throw new IllegalArgumentException(what + ": " + path + " (expected: an absolute path)");
        }
        return XmlText.requireWritable(what, path.toString());
    }
}
