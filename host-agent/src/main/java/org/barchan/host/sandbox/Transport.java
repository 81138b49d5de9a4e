package org.barchan.host.sandbox;

/** By what a directory or an image of the host gets into a guest. */
public enum Transport {
    /** QEMU's own 9p server. */
    NINEP("9p"),
    /** A virtiofsd. */
    VIRTIOFS("virtiofs"),
    /** A block device: how images get into a guest. */
    BLOCK("block");

    private final String text;

    Transport(String text) {
        this.text = text;
    }

    /** Returns the name of the file system. */
    @Override
    public String toString() {
        return text;
    }
}
