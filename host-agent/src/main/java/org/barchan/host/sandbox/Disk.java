package org.barchan.host.sandbox;

import java.util.regex.Pattern;

/**
 * A disk that a sandbox sees in its /dev.
 *
 * @param tag its name there, in /dev/disk/by-tag
 * @param writable whether what is written to it goes to the image; else nothing can be written
 */
public record Disk(String tag, DiskImage image, boolean writable) {
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");

    /** @throws IllegalArgumentException when the tag is none */
    public Disk {
        if (!TAG.matcher(tag).matches()) {
            throw new IllegalArgumentException("'" + tag
                    + "' (expected: 1 to 64 of a-z, A-Z, 0-9, '_', '-', '.', beginning with a letter or digit)");
        }
    }
}
