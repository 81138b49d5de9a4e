package org.barchan.host.adapter.boot;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What one {@code stat} tells of a regular file's content: as long as it is equal, so is the content. The change time is part of
 * it because package managers set the modification time, and anybody may.
 */
record FileStamp(long device, long inode, long size, long modifiedNanos, long changedNanos) {
    /** A file written to within the clock's granularity can change again without its stamp changing. */
    private static final long UNSETTLED_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** Follows symbolic links. */
    static FileStamp of(Path file) throws IOException {
        Map<String, Object> attributes = Files.readAttributes(file, "unix:dev,ino,size,lastModifiedTime,ctime");
        return new FileStamp(
                number(attributes, "dev"),
                number(attributes, "ino"),
                number(attributes, "size"),
                nanos(attributes, "lastModifiedTime"),
                nanos(attributes, "ctime"));
    }

    /** Reads what {@link #toText} wrote. */
    static FileStamp parse(String text) throws IOException {
        String[] fields = text.split(",", -1);
        try {
            return new FileStamp(
                    Long.parseLong(fields[0]),
                    Long.parseLong(fields[1]),
                    Long.parseLong(fields[2]),
                    Long.parseLong(fields[3]),
                    Long.parseLong(fields[4]));
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw new IOException("not a file stamp: " + text, e);
        }
    }

    String toText() {
        return device + "," + inode + "," + size + "," + modifiedNanos + "," + changedNanos;
    }

    /** Tells whether the file was left alone for long enough that any later change shows in the stamp. */
    boolean settled() {
        long now = TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis());
        return now - Math.max(modifiedNanos, changedNanos) > UNSETTLED_NANOS;
    }

    private static long number(Map<String, Object> attributes, String name) {
        return ((Number) requireNonNull(attributes.get(name))).longValue();
    }

    private static long nanos(Map<String, Object> attributes, String name) {
        return ((FileTime) requireNonNull(attributes.get(name))).to(TimeUnit.NANOSECONDS);
    }
}
