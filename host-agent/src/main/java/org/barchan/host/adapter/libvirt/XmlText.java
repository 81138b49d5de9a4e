package org.barchan.host.adapter.libvirt;

import java.io.StringWriter;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMResult;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;

/**
 * Writes XML documents in pure ASCII.
 *
 * <p>The JDK's stream writer leaves a line feed in an attribute as it is, which every parser then reads as a blank. So it writes to
 * a tree here, and the JDK's serializer, which knows better, makes the text of it. ASCII, because the text then means the same
 * whatever encoding carries it.
 */
final class XmlText {
    private XmlText() {}

    /** What a document is made of. */
    interface Content {
        void writeTo(XMLStreamWriter xml) throws XMLStreamException;
    }

    static String of(Content content) {
        try {
            Document document = DocumentBuilderFactory.newDefaultNSInstance()
                    .newDocumentBuilder()
                    .newDocument();
            XMLStreamWriter xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(new DOMResult(document));
            content.writeTo(xml);
            xml.close();
            Transformer serializer = TransformerFactory.newDefaultInstance().newTransformer();
            serializer.setOutputProperty(OutputKeys.ENCODING, "US-ASCII");
            serializer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
            StringWriter text = new StringWriter();
            serializer.transform(new DOMSource(document), new StreamResult(text));
            return text.toString();
        } catch (ParserConfigurationException | XMLStreamException | TransformerException e) {
            throw new IllegalStateException("the JDK's XML writer failed: " + e.getMessage(), e);
        }
    }

    /**
     * Returns a value that XML can carry.
     *
     * @throws IllegalArgumentException if it holds a character that XML has no way to write, such as ESC
     */
    static String requireWritable(String what, String value) {
        int bad = value.codePoints().filter(c -> !isXmlCharacter(c)).findFirst().orElse(-1);
        if (bad >= 0) {
            throw new IllegalArgumentException(what + ": " + Printable.of(value)
                    + String.format(" holds U+%04X (expected: no control characters, which libvirt cannot take)", bad));
        }
        return value;
    }

    // https://www.w3.org/TR/xml/#charsets
    private static boolean isXmlCharacter(int c) {
        return c == '\t'
                || c == '\n'
                || c == '\r'
                || (c >= 0x20 && c <= 0xD7FF)
                || (c >= 0xE000 && c <= 0xFFFD)
                || c >= 0x10000;
    }
}
