package org.barchan.cli;

import org.graalvm.nativeimage.c.function.CFunction;
import org.graalvm.nativeimage.c.type.CCharPointer;
import org.graalvm.word.PointerBase;

/** The functions of files.c, one to one, and one of the C library; {@link HostFiles} alone calls them. They exist in the native image alone. */
final class NativeFileCalls {
    private NativeFileCalls() {}

    @CFunction("bf_open")
    static native int open(CCharPointer path);

    @CFunction("bf_open_directory")
    static native int openDirectory(int directory, CCharPointer name);

    @CFunction("bf_open_file")
    static native int openFile(int directory, CCharPointer name, int follow);

    @CFunction("bf_stat")
    static native int stat(int directory, CCharPointer name, int follow, PointerBase facts);

    @CFunction("bf_read_link")
    static native int readLink(int directory, CCharPointer name, PointerBase target, int size);

    @CFunction("bf_list")
    static native int list(int directory, PointerBase entries, int size);

    @CFunction("bf_create")
    static native int create(int directory, CCharPointer name);

    @CFunction("bf_make_directory")
    static native int makeDirectory(int directory, CCharPointer name);

    @CFunction("bf_make_link")
    static native int makeLink(CCharPointer target, int directory, CCharPointer name);

    @CFunction("bf_remove")
    static native int remove(int directory, CCharPointer name);

    @CFunction("bf_rename")
    static native int rename(int directory, CCharPointer name, CCharPointer newName);

    @CFunction("bf_owner")
    static native int owner(int directory, CCharPointer name, long uid, long gid);

    @CFunction("bf_mode")
    static native int mode(int fd, int mode);

    @CFunction("bf_time")
    static native int time(int directory, CCharPointer name, long seconds, int nanos);

    @CFunction("bf_read")
    static native int read(int fd, PointerBase buffer, int size);

    @CFunction("bf_write")
    static native int write(int fd, PointerBase buffer, int size);

    @CFunction("bf_seek")
    static native long seek(int fd, long offset, int how);

    @CFunction("bf_truncate")
    static native int truncate(int fd, long size);

    @CFunction("bf_close")
    static native int close(int fd);

    @CFunction("strerror")
    static native CCharPointer strerror(int errno);
}
