package org.barchan.guest.syscall;

import java.nio.charset.StandardCharsets;

/**
 * Files of a few words, most of them the kernel's, by as few system calls and as little code as can be: what a guest executes for the first
 * time costs ten times as much where its CPU is emulated.
 */
public final class SmallFile {
    private static final int SIZE = 4096;

    private SmallFile() {}

    /** Returns what a file says, up to 4 KiB, without blanks at its ends. */
    public static String read(String path) throws Errno {
        byte[] bytes = new byte[SIZE];
        int size = 0;
        int fd = Linux.open(path, Linux.O_RDONLY);
        try {
            int n;
            do {
                n = check("read " + path, Linux.read(fd, bytes, size, SIZE - size));
                size += n;
            } while (n > 0 && size < SIZE);
        } finally {
            Linux.close(fd);
        }
        return new String(bytes, 0, size, StandardCharsets.UTF_8).strip();
    }

    /** Writes to a file of the kernel's, in one piece. */
    public static void write(String path, String text) throws Errno {
        write(path, text, Linux.O_WRONLY);
    }

    /** Makes a file that everybody may read, or writes it anew. */
    public static void make(String path, String text) throws Errno {
        write(path, text, Linux.O_WRONLY | Linux.O_CREAT | Linux.O_TRUNC);
    }

    private static void write(String path, String text, int flags) throws Errno {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int fd = Linux.open(path, flags);
        try {
            int _ = check("write " + path, Linux.write(fd, bytes, 0, bytes.length));
        } finally {
            Linux.close(fd);
        }
    }

    private static int check(String action, int result) throws Errno {
        if (result < 0) {
            throw new Errno(action, -result);
        }
        return result;
    }
}
