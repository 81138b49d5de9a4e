package org.barchan.guest.syscall;

import org.graalvm.nativeimage.c.function.CFunction;
import org.graalvm.nativeimage.c.function.CFunction.Transition;
import org.graalvm.nativeimage.c.type.CCharPointer;
import org.graalvm.nativeimage.c.type.CIntPointer;
import org.graalvm.word.PointerBase;

/**
 * The functions of guestsys.c, one to one. Each call here is unsafe in that the C side trusts sizes and pointers: {@link Linux} alone
 * makes them. Calls that may block take the default transition, so that a garbage collection can go on meanwhile.
 */
final class NativeCalls {
    private NativeCalls() {}

    @CFunction(value = "gs_uptime_micros", transition = Transition.NO_TRANSITION)
    static native long uptimeMicros();

    @CFunction(value = "gs_exec_micros", transition = Transition.NO_TRANSITION)
    static native long execMicros();

    @CFunction(value = "gs_xxh64", transition = Transition.NO_TRANSITION)
    static native long xxh64(PointerBase bytes, int size, long seed);

    @CFunction("gs_mkdir")
    static native int mkdir(CCharPointer path, int mode);

    @CFunction("gs_mount")
    static native int mount(CCharPointer source, CCharPointer target, CCharPointer type, long flags, CCharPointer data);

    @CFunction("gs_open_below")
    static native int openBelow(CCharPointer root, CCharPointer path, int make);

    @CFunction("gs_mkdir_like")
    static native int mkdirLike(CCharPointer path, CCharPointer model);

    @CFunction("gs_fd_is_directory")
    static native int fdIsDirectory(int fd);

    @CFunction("gs_is_directory")
    static native int isDirectory(CCharPointer path);

    @CFunction("gs_open")
    static native int open(CCharPointer path, int flags);

    @CFunction("gs_close")
    static native int close(int fd);

    @CFunction("gs_read")
    static native int read(int fd, PointerBase buffer, int size);

    @CFunction("gs_write")
    static native int write(int fd, PointerBase buffer, int size);

    @CFunction("gs_pipe")
    static native int pipe(CIntPointer fds, int size);

    @CFunction("gs_terminal")
    static native int terminal(CCharPointer root, int rows, int columns, CIntPointer fds);

    @CFunction("gs_resize_terminal")
    static native int resizeTerminal(int fd, int rows, int columns);

    @CFunction("gs_end_of_file_character")
    static native int endOfFileCharacter(int fd);

    @CFunction("gs_duplicate")
    static native int duplicate(int fd);

    @CFunction("gs_set_nonblocking")
    static native int setNonblocking(int fd);

    @CFunction("gs_eventfd")
    static native int eventfd();

    @CFunction("gs_connect_tcp")
    static native int connectTcp(int port, int six);

    @CFunction("gs_listen_tcp")
    static native int listenTcp(int port);

    @CFunction("gs_local_port")
    static native int localPort(int server);

    @CFunction("gs_accept_tcp")
    static native int acceptTcp(int server);

    @CFunction("gs_connect_udp")
    static native int connectUdp(int port);

    @CFunction("gs_connect_unix")
    static native int connectUnix(CCharPointer root, CCharPointer path);

    @CFunction("gs_shutdown_write")
    static native int shutdownWrite(int fd);

    @CFunction("gs_reset_on_close")
    static native int resetOnClose(int fd);

    @CFunction("gs_poll")
    static native int poll(int first, int firstEvents, int second, int secondEvents, int millis);

    @CFunction("gs_load_module")
    static native int loadModule(CCharPointer path);

    @CFunction("gs_set_hostname")
    static native int setHostname(CCharPointer name);

    @CFunction("gs_set_clock")
    static native int setClock(long seconds, long nanos);

    @CFunction("gs_add_entropy")
    static native int addEntropy(PointerBase bytes, int size);

    @CFunction("gs_loopback_up")
    static native int loopbackUp();

    @CFunction("gs_power_off")
    static native int powerOff();

    @CFunction("gs_uevents")
    static native int uevents();

    @CFunction("gs_port_wait_connected")
    static native int portWaitConnected(int fd);

    @CFunction("gs_wait")
    static native int waitForChild(CIntPointer exited, CIntPointer signalled);

    @CFunction("gs_kill")
    static native int kill(int pid, int signal);

    @CFunction("gs_pidfd")
    static native int pidfd(int pid);

    @CFunction("gs_spawn_into")
    static native int spawnInto(int sandbox);

    @CFunction("gs_spawn")
    static native int spawn(PointerBase strings, PointerBase numbers, CIntPointer failedStep);

    @CFunction("gs_spawn_sandbox")
    static native int spawnSandbox(CCharPointer program, int ordersFd, int statusFd);

    @CFunction("gs_open_at")
    static native int openAt(int directory, CCharPointer name, int flags);

    @CFunction("gs_reopen")
    static native int reopen(int fd, int flags);

    @CFunction("gs_stat_at")
    static native int statAt(int directory, CCharPointer name, PointerBase facts);

    @CFunction("gs_readlink_at")
    static native int readLinkAt(int directory, CCharPointer name, PointerBase target, int size);

    @CFunction("gs_list")
    static native int list(int directory, PointerBase entries, int size);

    @CFunction("gs_is_opaque")
    static native int isOpaque(int directory);

    @CFunction("gs_sync")
    static native int sync(CCharPointer path, int fileSystem);
}
