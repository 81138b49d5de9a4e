package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
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
 * libvirt sees them. And a QEMU that libvirt had started to ask what it can do, which nobody ends.
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
        removeProbes();
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

    private void removeProbes() throws IOException {
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(root.probeDirectory(), "qmp-*")) {
            for (Path directory : directories) {
                endProbe(directory);
                removeTree(directory);
            }
        } catch (NoSuchFileException e) {
            LOG.debug("none was ever asked, or it was removed just now");
        }
    }

    private static void endProbe(Path directory) throws IOException {
        Path pidFile = directory.resolve("qmp.pid");
        if (!Files.exists(pidFile)) {
            return;
        }
        try {
            long pid = Long.parseLong(Files.readString(pidFile).strip());
            // The handle knows when its process began, so that it never means a later one of the same number.
            Optional<ProcessHandle> process = ProcessHandle.of(pid);
            if (process.isPresent()
                    && Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"), StandardCharsets.ISO_8859_1)
                            .contains(directory.toString())) {
                LOG.info("{}: ending the QEMU {} that was asked what it can do", directory.getFileName(), pid);
                process.get().destroyForcibly();
            }
        } catch (NoSuchFileException | NumberFormatException e) {
            LOG.debug("{}: it has ended, or had not begun", directory);
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
