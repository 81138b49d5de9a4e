package org.barchan.client;

/** By what a directory of the host gets into a guest. */
public enum Transport {
    /** What kernel and host have; of both virtiofs, or 9p where the agent is not root. */
    AUTO,
    /** QEMU's own 9p server. */
    NINEP,
    /** A virtiofsd. */
    VIRTIOFS
}
