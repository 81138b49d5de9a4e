package org.barchan.host.sandbox;

import java.util.Optional;

/**
 * A file of the host that holds what a disk holds.
 *
 * @param path absolute
 * @param ordered how the file holds it; empty: by its name
 */
public record DiskImage(GuestPath path, Optional<Format> ordered) {
    /** How a file holds what a disk holds. What the file itself says never decides that: a guest may have written it. */
    public enum Format {
        /** Byte by byte. */
        RAW,
        /** QEMU's copy-on-write format. */
        QCOW2;

        /** Returns the format's name, which is libvirt's and QEMU's too. */
        @Override
        public String toString() {
            return this == RAW ? "raw" : "qcow2";
        }
    }

    /** Returns what was ordered, or follows from the name. */
    public Format format() {
        return ordered.orElse(path.raw().endsWith(".qcow2") ? Format.QCOW2 : Format.RAW);
    }
}
