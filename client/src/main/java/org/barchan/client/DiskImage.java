package org.barchan.client;

/**
 * A file of the agent's host that holds what a disk holds.
 *
 * @param path absolute; no part of it is a symbolic link; see {@link RawText}
 */
public record DiskImage(String path, ImageFormat format) {
    /** @throws IllegalArgumentException if the path is not absolute */
    public DiskImage {
        ProcessSpec.checkAbsolute("image", path);
    }
}
