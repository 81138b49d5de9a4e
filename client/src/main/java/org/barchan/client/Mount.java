package org.barchan.client;

import java.util.OptionalInt;
import java.util.OptionalLong;

/** Something that a sandbox sees at a place of its own. Paths are absolute; see {@link RawText}. */
public sealed interface Mount {
    /** Returns where: what is not there is made, in the sandbox alone. */
    String target();

    /**
     * A directory or file of the agent's host.
     *
     * @param source the directory or file; no part of its path is a symbolic link
     * @param overlayBytes most bytes that are written to an overlay; by default half of the guest's memory
     * @param transport by what it gets into the guest
     */
    record HostDirectory(String target, String source, MountMode mode, OptionalLong overlayBytes, Transport transport)
            implements Mount {
        /** @throws IllegalArgumentException if a path is not absolute, or there is a size without an overlay */
        public HostDirectory {
            ProcessSpec.checkAbsolute("mount target", target);
            ProcessSpec.checkAbsolute("mount source", source);
            checkSize(overlayBytes, mode);
        }
    }

    /**
     * The file system in an image. With the target "/" it becomes the root of the sandbox.
     *
     * @param overlayBytes most bytes that are written to an overlay; by default half of the guest's memory
     */
    record Image(String target, DiskImage image, MountMode mode, OptionalLong overlayBytes) implements Mount {
        /** @throws IllegalArgumentException if a path is not absolute, or there is a size without an overlay */
        public Image {
            ProcessSpec.checkAbsolute("mount target", target);
            checkSize(overlayBytes, mode);
        }
    }

    /**
     * A file system in the guest's memory.
     *
     * @param bytes the most that it holds; by default half of the guest's memory
     * @param mode permission bits of its root; by default 01777
     */
    record Memory(String target, OptionalLong bytes, OptionalInt mode, boolean readOnly) implements Mount {
        /** @throws IllegalArgumentException if the path is not absolute */
        public Memory {
            ProcessSpec.checkAbsolute("mount target", target);
        }
    }

    /**
     * What the sandbox has at another place.
     *
     * @param source the other place
     */
    record Bind(String target, String source, boolean readOnly) implements Mount {
        /** @throws IllegalArgumentException if a path is not absolute */
        public Bind {
            ProcessSpec.checkAbsolute("mount target", target);
            ProcessSpec.checkAbsolute("mount source", source);
        }
    }

    private static void checkSize(OptionalLong overlayBytes, MountMode mode) {
        if (overlayBytes.isPresent() && !mode.isOverlay()) {
            throw new IllegalArgumentException(
                    "size: " + overlayBytes.getAsLong() + " (expected: none without an overlay)");
        }
    }
}
