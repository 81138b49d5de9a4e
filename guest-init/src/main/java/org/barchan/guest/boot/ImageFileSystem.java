package org.barchan.guest.boot;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;

/** The file systems that images may have, each known by a few bytes at a place of its own. */
enum ImageFileSystem {
    /** With ext2 and ext3. */
    EXT4("ext4", 1080, "S\u00ef", "", "noload"),
    /** Of copies with the same identity more than one can be mounted. */
    XFS("xfs", 0, "XFSB", "nouuid", "norecovery"),
    BTRFS("btrfs", 65600, "_BHRfS_M", "", "rescue=nologreplay"),
    SQUASHFS("squashfs", 0, "hsqs", "", ""),
    EROFS("erofs", 1024, "\u00e2\u00e1\u00f5\u00e0", "", "");

    private final String type;
    private final int offset;
    private final String magic;
    private final String options;
    private final String withoutJournal;

    ImageFileSystem(String type, int offset, String magic, String options, String withoutJournal) {
        this.type = type;
        this.offset = offset;
        this.magic = magic;
        this.options = options;
        this.withoutJournal = withoutJournal;
    }

    /** Returns its name, as mount(8) has it. */
    String type() {
        return type;
    }

    /** Returns its mount options. */
    String options() {
        return options;
    }

    /** Whether a journal may have to be played back before what is there is whole. */
    boolean hasJournal() {
        return !withoutJournal.isEmpty();
    }

    /** Returns the options with which nothing is played back. */
    String optionsWithoutJournal() {
        return options.isEmpty() ? withoutJournal : options + "," + withoutJournal;
    }

    /** Returns the one that a device has. */
    static ImageFileSystem of(String device) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(device, "r")) {
            for (ImageFileSystem candidate : values()) {
                if (has(file, candidate.offset, candidate.magic)) {
                    return candidate;
                }
            }
            throw new IOException(
                    has(file, 510, "U\u00aa")
                            ? "the image has a table of partitions (expected: a file system). Attach it as a disk, or"
                                    + " make an image of one partition"
                            : "no file system was found in the image (expected: ext4, xfs, btrfs, squashfs or erofs)");
        }
    }

    private static boolean has(RandomAccessFile file, int offset, String magic) throws IOException {
        byte[] found = new byte[magic.length()];
        if (offset + found.length > file.length()) {
            return false;
        }
        file.seek(offset);
        int n = file.read(found);
        return n == found.length && new String(found, StandardCharsets.ISO_8859_1).equals(magic);
    }
}
