package org.barchan.host.sandbox;

import java.util.Optional;

/** What a sandbox sees as "/". */
public sealed interface Root {
    /** The host's "/". */
    GuestPath HOST_ROOT = new GuestPath("/");

    /** Returns what can be written to it. */
    Access access();

    /**
     * A directory of the host.
     *
     * @param path absolute
     * @param access read-only or an overlay
     * @param transport by what it gets into the guest; empty: what does best
     */
    record Directory(GuestPath path, Access access, Optional<Transport> transport) implements Root {
        /** @throws IllegalArgumentException when it would be written to */
        public Directory {
            if (access instanceof Access.ReadWrite) {
                throw new IllegalArgumentException("root mode: read-write (expected: read-only, overlay or scratch)");
            }
        }

        /** Whether it is the host's own "/". */
        public boolean isHostRoot() {
            return path.equals(HOST_ROOT);
        }
    }

    /** The file system in an image. */
    record Image(DiskImage image, Access access) implements Root {}
}
