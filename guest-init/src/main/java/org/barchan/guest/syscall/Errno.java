package org.barchan.guest.syscall;

/** A system call that failed. Source: errno(3). */
public final class Errno extends Exception {
    private static final long serialVersionUID = 1L;
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int ENXIO = 6;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int EXDEV = 18;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int ENFILE = 23;
    public static final int EMFILE = 24;
    public static final int EFBIG = 27;
    public static final int ENOSPC = 28;
    public static final int EROFS = 30;
    public static final int EMLINK = 31;
    public static final int EPIPE = 32;
    public static final int ENAMETOOLONG = 36;
    public static final int ENOTEMPTY = 39;
    public static final int ELOOP = 40;
    public static final int EOPNOTSUPP = 95;
    public static final int ENOBUFS = 105;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EDQUOT = 122;

    private final int number;

    public Errno(String action, int number) {
        super(action + ": " + describe(number));
        this.number = number;
    }

    /** Returns the error number, always positive. */
    public int number() {
        return number;
    }

    /** Returns the words of strerror(3) for the errors that users meet, else the number. */
    public static String describe(int number) {
        return switch (number) {
            case 1 -> "operation not permitted";
            case 2 -> "no such file or directory";
            case 5 -> "input/output error";
            case 7 -> "argument list too long";
            case 8 -> "not in an executable format";
            case 11 -> "resource temporarily unavailable";
            case 12 -> "out of memory";
            case 13 -> "permission denied";
            case 16 -> "busy";
            case 17 -> "file exists";
            case 18 -> "on another file system";
            case 19 -> "no such device";
            case 20 -> "not a directory";
            case 21 -> "is a directory";
            case 22 -> "invalid argument";
            case 24 -> "too many open files";
            case 26 -> "file is being written to";
            case 27 -> "file too large";
            case 28 -> "no space left";
            case 30 -> "read-only file system";
            case 32 -> "broken pipe";
            case 36 -> "file name too long";
            case 39 -> "directory not empty";
            case 40 -> "too many symbolic links, or one that only /proc has";
            case 88 -> "not a socket";
            case 91 -> "wrong type of socket";
            case 95 -> "not supported by the file system";
            case 98 -> "address in use";
            case 104 -> "connection reset";
            case 110 -> "timed out";
            case 111 -> "connection refused";
            case 122 -> "disk quota exceeded";
            default -> "error " + number;
        };
    }
}
