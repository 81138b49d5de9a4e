package org.barchan.host.adapter.linux;

import com.sun.jna.LastErrorException;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Structure;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The functions of the C library that Java has no other way to. Each says why it is needed. */
interface LibC extends Library {
    LibC INSTANCE = Native.load("c", LibC.class);

    int AT_FDCWD = -100;
    int AT_EACCESS = 0x200;
    int X_OK = 1;
    int W_OK = 2;
    int RLIMIT_NOFILE = 7;

    /** Needed to know whether the agent may act as other users. */
    int geteuid();

    int getegid();

    /** Names and primary groups by number; the name service may be a directory server, so /etc/passwd is not enough. */
    @Nullable Passwd getpwuid(int uid);

    @Nullable Passwd getpwnam(String name);

    int getgrouplist(String user, int group, int[] groups, int[] count);

    /** Changes the user by which the kernel checks file access, of the calling thread alone (setfsuid(2)). */
    int setfsuid(int uid);

    int setfsgid(int gid);

    /** By the rights that the calling thread has taken on; Java asks by those of the process. */
    int faccessat(int directory, String path, int mode, int flags);

    /** For setgroups(2) of the calling thread alone: the C library's own wrapper changes all threads of the process. */
    NativeLong syscall(NativeLong number, Object... arguments);

    /** Points a descriptor elsewhere: standard output after "ready". */
    int dup2(int from, int to) throws LastErrorException;

    int open(String path, int flags, int mode) throws LastErrorException;

    int close(int descriptor) throws LastErrorException;

    /** How many files this process may have open, also when no more can be opened to find out. The limit and what it can be raised to are stored. */
    int getrlimit(int resource, long[] limits);

    /** Leaves the terminal's session, so that a Ctrl-C meant for the client does not reach the agent. */
    int setsid();

    /** Words for error numbers that come from another process. */
    String strerror(int number);

    /** struct passwd of pwd.h. */
    @Structure.FieldOrder({"name", "password", "uid", "gid", "gecos", "directory", "shell"})
    final class Passwd extends Structure {
        public @Nullable String name;
        public @Nullable String password;
        public int uid;
        public int gid;
        public @Nullable String gecos;
        public @Nullable String directory;
        public @Nullable String shell;

        @Override
        protected List<String> getFieldOrder() {
            return List.of("name", "password", "uid", "gid", "gecos", "directory", "shell");
        }
    }
}
