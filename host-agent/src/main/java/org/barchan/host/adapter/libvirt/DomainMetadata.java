package org.barchan.host.adapter.libvirt;

import java.io.StringReader;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import javax.xml.stream.XMLStreamWriter;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;

/** A machine's record as an element of its domain's metadata. */
final class DomainMetadata {
    /** The namespace, with the generation of the element's content as its last part. */
    static final String NAMESPACE = "https://barchan.org/xmlns/sandbox/1";

    private static final String PREFIX = "barchan";
    private static final String ELEMENT = "sandbox";

    private DomainMetadata() {}

    static void write(MachineRecord record, XMLStreamWriter xml) throws XMLStreamException {
        xml.writeStartElement(PREFIX, ELEMENT, NAMESPACE);
        xml.writeNamespace(PREFIX, NAMESPACE);
        writeField(xml, "id", record.id().value());
        writeField(xml, "name", record.name().value());
        writeField(xml, "create-time", record.createTime().toString());
        writeField(xml, "client-lost-policy", record.clientLostPolicy().name());
        writeField(xml, "accelerator", record.accelerator().name());
        writeField(xml, "kernel-release", record.kernelRelease());
        writeField(xml, "writes-images", Boolean.toString(record.writesImages()));
        writeField(xml, "runtime-directory", record.runtimeDirectory().toString());
        xml.writeEndElement();
    }

    private static void writeField(XMLStreamWriter xml, String name, String value) throws XMLStreamException {
        xml.writeStartElement(PREFIX, name, NAMESPACE);
        xml.writeCharacters(XmlText.requireWritable(name, value));
        xml.writeEndElement();
    }

    /**
     * Returns the record of the element that {@link #write} wrote. Fields of later releases are passed over.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    static MachineRecord read(String element) {
        Map<String, String> fields = readFields(element);
        Path runtimeDirectory = Path.of(field(fields, "runtime-directory"));
        if (!runtimeDirectory.isAbsolute()) {
            throw new IllegalArgumentException(
                    "runtime-directory: " + runtimeDirectory + " (expected: an absolute path)");
        }
        try {
            return new MachineRecord(
                    new SandboxId(field(fields, "id")),
                    new SandboxName(field(fields, "name")),
                    Instant.parse(field(fields, "create-time")),
                    ClientLostPolicy.valueOf(field(fields, "client-lost-policy")),
                    Accelerator.valueOf(field(fields, "accelerator")),
                    field(fields, "kernel-release"),
                    // Machines of a release that knew no images have none.
                    Boolean.parseBoolean(fields.getOrDefault("writes-images", "false")),
                    runtimeDirectory);
        } catch (java.time.DateTimeException e) {
            throw new IllegalArgumentException("create-time: " + e.getMessage(), e);
        }
    }

    private static Map<String, String> readFields(String element) {
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        Map<String, String> fields = new HashMap<>();
        try {
            XMLStreamReader xml = factory.createXMLStreamReader(new StringReader(element));
            xml.nextTag();
            xml.require(XMLStreamReader.START_ELEMENT, null, ELEMENT);
            while (xml.nextTag() == XMLStreamReader.START_ELEMENT) {
                fields.put(xml.getLocalName(), xml.getElementText());
            }
        } catch (XMLStreamException e) {
            throw new IllegalArgumentException("metadata: " + e.getMessage(), e);
        }
        return fields;
    }

    private static String field(Map<String, String> fields, String name) {
        String value = fields.get(name);
        if (value == null) {
            throw new IllegalArgumentException(name + ": missing");
        }
        return value;
    }
}
