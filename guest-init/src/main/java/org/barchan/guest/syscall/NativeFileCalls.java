package org.barchan.guest.syscall;

import org.graalvm.nativeimage.c.function.CFunction;
import org.graalvm.nativeimage.c.type.CCharPointer;

/** The functions of files.c, one to one; {@link SandboxFiles} alone calls them. */
final class NativeFileCalls {
    private NativeFileCalls() {}

    @CFunction("gf_find")
    static native int find(int root, CCharPointer path, int follow);

    @CFunction("gf_find_below")
    static native int findBelow(int directory, CCharPointer path, int follow);

    @CFunction("gf_is_made_up")
    static native int isMadeUp(int directory);

    @CFunction("gf_create")
    static native int create(int directory, CCharPointer name);

    @CFunction("gf_make_directory")
    static native int makeDirectory(int directory, CCharPointer name);

    @CFunction("gf_make_link")
    static native int makeLink(CCharPointer target, int directory, CCharPointer name);

    @CFunction("gf_make_hard_link")
    static native int makeHardLink(int from, CCharPointer name, int directory, CCharPointer newName);

    @CFunction("gf_remove")
    static native int remove(int directory, CCharPointer name, int isDirectory);

    @CFunction("gf_rename")
    static native int rename(int from, CCharPointer name, int to, CCharPointer newName, int replace);

    @CFunction("gf_set")
    static native int set(int fd, long uid, long gid, int mode, long seconds, int nanos);

    @CFunction("gf_seek")
    static native long seek(int fd, long offset, int how);

    @CFunction("gf_truncate")
    static native int truncate(int fd, long size);

    @CFunction("gf_sync")
    static native int sync(int fd);
}
