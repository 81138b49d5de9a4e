package org.barchan.client;

import java.util.regex.Pattern;

/**
 * A disk of a sandbox, which belongs to its user.
 *
 * @param tag its name in /dev/disk/by-tag: 1 to 64 of a-z, A-Z, 0-9, "_", "-", ".", beginning with a letter or digit
 * @param image what is on it
 * @param writable whether it is written to the image; else nothing can be written
 */
public record Disk(String tag, DiskImage image, boolean writable) {
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");

    /** @throws IllegalArgumentException if the tag is none */
    public Disk {
        if (!TAG.matcher(tag).matches()) {
            throw new IllegalArgumentException(
                    "'" + tag
                            + "' is no disk's tag (expected: 1 to 64 of a-z, A-Z, 0-9, '_', '-', '.', beginning with a letter or digit)");
        }
    }
}
