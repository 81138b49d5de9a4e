package org.barchan.guest.boot;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.SmallFile;
import org.barchan.guest.syscall.Uevents;

/** The machine's disks, by their serial numbers. */
final class BlockDevices {
    private static final Path DEVICES = Path.of("/sys/block");
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final Map<String, Device> bySerial = new HashMap<>();

    /**
     * A block device, or a partition of one.
     *
     * @param name as it is in /dev
     * @param number major and minor, with a colon between them
     */
    record Device(String name, String number) {
        String path() {
            return "/dev/" + name;
        }
    }

    /** Returns a disk; waits until it is there. */
    Device find(String serial) throws IOException, Errno {
        Device known = bySerial.get(serial);
        if (known != null) {
            return known;
        }
        // Before the first look, so that no device comes in between.
        try (Uevents uevents = Uevents.listen()) {
            return uevents.await("disk with the serial number " + serial, () -> look(serial), TIMEOUT);
        }
    }

    private Optional<Device> look(String wanted) throws IOException {
        try (DirectoryStream<Path> devices = Files.newDirectoryStream(DEVICES)) {
            for (Path device : devices) {
                String serial = read(device.resolve("serial"));
                if (!serial.isEmpty()) {
                    bySerial.put(serial, device(device));
                }
            }
            return Optional.ofNullable(bySerial.get(wanted));
        } catch (NoSuchFileException e) {
            throw new IOException("the kernel has no block devices", e);
        }
    }

    /** Returns the partitions that the kernel has found on a disk, by their numbers. */
    Map<String, Device> partitions(Device disk) throws IOException {
        Map<String, Device> partitions = new HashMap<>();
        List<Path> children = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(DEVICES.resolve(disk.name()), disk.name() + "*")) {
            found.forEach(children::add);
        }
        for (Path child : children) {
            String number = read(child.resolve("partition"));
            if (!number.isEmpty()) {
                partitions.put(number, device(child));
            }
        }
        return partitions;
    }

    private static Device device(Path directory) {
        return new Device(String.valueOf(directory.getFileName()), read(directory.resolve("dev")));
    }

    /** Returns "" where there is no such file. */
    private static String read(Path path) {
        try {
            return SmallFile.read(path.toString());
        } catch (Errno e) {
            return "";
        }
    }
}
