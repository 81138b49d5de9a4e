package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an agent leaves that was killed while libvirt started a machine, before its QEMU had a process: a domain whose status says
 * {@code pid='0'}. Libvirt (9.0) takes it over with the job of starting it, which nobody goes on with, so that every later call for
 * that domain, its destruction too, waits 30 s and fails. Such a domain has nothing to be taken over: its files are removed before
 * libvirt sees them.
 */
final class InterruptedStarts {
    private static final Logger LOG = LoggerFactory.getLogger(InterruptedStarts.class);

    private final EmbeddedRoot root;

    InterruptedStarts(EmbeddedRoot root) {
        this.root = root;
    }

    /** Removes them, unless a process has the embedded driver open. */
    void remove() {
        if (!Files.exists(root.driverPidFile())) {
            return;
        }
        try {
            // A lock of fcntl(2) does not keep out the process that has it, and is lost to it when any descriptor is
            // closed.
            if (Files.readString(root.driverPidFile())
                    .strip()
                    .equals(Long.toString(ProcessHandle.current().pid()))) {
                return;
            }
            try (FileChannel file = FileChannel.open(root.driverPidFile(), StandardOpenOption.WRITE);
                    FileLock lock = file.tryLock(0, 1, false)) {
                if (lock != null) {
                    removeNow();
                }
            }
        } catch (NoSuchFileException e) {
            LOG.debug("the driver was closed just now");
        } catch (IOException e) {
            LOG.warn("{} cannot be searched for machines whose start was interrupted", root.statusDirectory(), e);
        }
    }

    private void removeNow() throws IOException {
        try (DirectoryStream<Path> files =
                Files.newDirectoryStream(root.statusDirectory(), DomainXml.PREFIX + "*.xml")) {
            for (Path status : files) {
                Optional<String> domainId = idOfUnstarted(status);
                if (domainId.isPresent()) {
                    remove(status, domainId.get());
                }
            }
        }
    }

    private void remove(Path status, String domainId) throws IOException {
        String domain = status.getFileName().toString().replaceFirst("\\.xml$", "");
        LOG.info("domain {}: its start was interrupted: removing its files", domain);
        for (Path parent : root.machineDirectories()) {
            if (!Files.isDirectory(parent)) {
                continue;
            }
            try (DirectoryStream<Path> directories =
                    Files.newDirectoryStream(parent, "domain-" + domainId + "-" + DomainXml.PREFIX + "*")) {
                for (Path directory : directories) {
                    removeTree(directory);
                }
            }
        }
        Files.deleteIfExists(root.pidFile(domain));
        // Last: as long as it is there, the next agent can do what is missing.
        Files.deleteIfExists(status);
    }

    private static void removeTree(Path directory) throws IOException {
        try (Stream<Path> entries = Files.walk(directory)) {
            for (Path entry : entries.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(entry);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Returns libvirt's number of a domain that never had a process; empty for any other, and for a file that can't be read. */
    private static Optional<String> idOfUnstarted(Path status) {
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        try (InputStream text = Files.newInputStream(status)) {
            XMLStreamReader xml = factory.createXMLStreamReader(text);
            xml.nextTag();
            if (!xml.getLocalName().equals("domstatus") || !"0".equals(xml.getAttributeValue(null, "pid"))) {
                return Optional.empty();
            }
            while (xml.hasNext()) {
                if (xml.next() == XMLStreamReader.START_ELEMENT
                        && xml.getLocalName().equals("domain")) {
                    return Optional.ofNullable(xml.getAttributeValue(null, "id"));
                }
            }
            return Optional.empty();
        } catch (IOException | XMLStreamException e) {
            LOG.warn("{} cannot be read: {}", status, e.toString());
            return Optional.empty();
        }
    }
}
