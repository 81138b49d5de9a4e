package org.barchan.client;

/** How a file holds what a disk holds. */
public enum ImageFormat {
    /** qcow2 for a name that ends in ".qcow2", else raw; a file that looks like another format is refused. */
    AUTO,
    /** Byte by byte, whatever it looks like. */
    RAW,
    /** QEMU's copy-on-write format, in a file that stands alone. */
    QCOW2
}
