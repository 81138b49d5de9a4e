package org.barchan.guest.syscall;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.graalvm.nativeimage.PinnedObject;
import org.graalvm.nativeimage.StackValue;
import org.graalvm.nativeimage.c.type.CCharPointer;
import org.graalvm.nativeimage.c.type.CIntPointer;
import org.jspecify.annotations.Nullable;

/**
 * The system calls that the init makes. Works only inside the native image. Paths are bytes: file names need not be UTF-8.
 *
 * <p>Arrays are pinned for the time of a call instead of copied.
 */
public final class Linux {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_TRUNC = 0x200;
    public static final int O_NONBLOCK = 0x800;

    private static final int O_DIRECTORY = 0x10000;

    public static final int POLLIN = 1;
    public static final int POLLOUT = 4;
    public static final int POLLERR = 8;
    public static final int POLLHUP = 16;

    public static final long MS_RDONLY = 1;
    public static final long MS_NOSUID = 2;
    public static final long MS_NODEV = 4;
    public static final long MS_REMOUNT = 32;
    public static final long MS_BIND = 4096;
    public static final long MS_REC = 16384;

    /** Where a record of getdents64(2) has its length and its name. */
    private static final int RECORD_LENGTH = 16;

    private static final int NAME = 19;

    private Linux() {}

    /** Returns the time since the kernel started, in microseconds (CLOCK_BOOTTIME). */
    public static long uptimeMicros() {
        return NativeCalls.uptimeMicros();
    }

    /** Returns the uptime at which this program was executed, in microseconds. */
    public static long execMicros() {
        return NativeCalls.execMicros();
    }

    /** Returns the XXH64 of some bytes. */
    public static long xxh64(byte[] bytes, int from, int size, long seed) {
        checkRange(bytes, from, size);
        try (PinnedObject p = PinnedObject.create(bytes)) {
            return NativeCalls.xxh64(p.addressOfArrayElement(from), size, seed);
        }
    }

    public static void mkdir(String path, int mode) throws Errno {
        try (PinnedObject p = pin(path)) {
            check("create directory " + path, NativeCalls.mkdir(chars(p), mode));
        }
    }

    public static void mount(String source, byte[] target, String type, long flags, String options) throws Errno {
        try (PinnedObject s = pin(source);
                PinnedObject t = pin(target);
                PinnedObject y = pin(type);
                PinnedObject o = pin(options)) {
            check(
                    type.isEmpty() ? "mount" : "mount " + type,
                    NativeCalls.mount(chars(s), chars(t), chars(y), flags, chars(o)));
        }
    }

    /** What {@link #openBelow} makes where nothing is. */
    public enum Make {
        NOTHING(0),
        DIRECTORY(1),
        FILE(2);

        private final int code;

        Make(int code) {
            this.code = code;
        }
    }

    /**
     * Opens what is at a path for a process with a certain root, as something that mounts can name by way of /proc/self/fd.
     *
     * @param path absolute; links are followed, but lead nowhere outside of the root
     * @return the descriptor, or a negated errno
     */
    public static int openBelow(String root, byte[] path, Make make) {
        try (PinnedObject r = pin(root);
                PinnedObject p = pin(path)) {
            return NativeCalls.openBelow(chars(r), chars(p), make.code);
        }
    }

    /** Makes a directory with the owner and permissions of another one. */
    public static void mkdirLike(String path, String model) throws Errno {
        try (PinnedObject p = pin(path);
                PinnedObject m = pin(model)) {
            check("create directory " + path, NativeCalls.mkdirLike(chars(p), chars(m)));
        }
    }

    public static boolean isDirectory(int fd) throws Errno {
        return check("look at a descriptor", NativeCalls.fdIsDirectory(fd)) == 1;
    }

    /** Fails with ENOENT or ENOTDIR when the path is no directory. */
    public static void checkDirectory(byte[] path) throws Errno {
        try (PinnedObject p = pin(path)) {
            check("look at directory", NativeCalls.isDirectory(chars(p)));
        }
    }

    /** A file that is made by this can be read by everybody. */
    public static int open(String path, int flags) throws Errno {
        try (PinnedObject p = pin(path)) {
            return check("open " + path, NativeCalls.open(chars(p), flags));
        }
    }

    public static void close(int fd) {
        NativeCalls.close(fd);
    }

    /** Returns the number of bytes read, 0 at the end, or a negated errno. */
    public static int read(int fd, byte[] buffer, int offset, int size) {
        checkRange(buffer, offset, size);
        try (PinnedObject p = PinnedObject.create(buffer)) {
            return NativeCalls.read(fd, p.addressOfArrayElement(offset), size);
        }
    }

    /** Returns the number of bytes written, or a negated errno. */
    public static int write(int fd, byte[] buffer, int offset, int size) {
        checkRange(buffer, offset, size);
        try (PinnedObject p = PinnedObject.create(buffer)) {
            return NativeCalls.write(fd, p.addressOfArrayElement(offset), size);
        }
    }

    /**
     * Returns a pipe's two ends: the one to read, the one to write. Both close on exec.
     *
     * @param size how many bytes it should hold, 0 for as many as usual
     */
    public static int[] pipe(int size) throws Errno {
        CIntPointer fds = StackValue.get(2, CIntPointer.class);
        check("create a pipe", NativeCalls.pipe(fds, size));
        return new int[] {fds.read(0), fds.read(1)};
    }

    /**
     * Makes a terminal.
     *
     * @param root the root of the processes that are to see it
     * @return its two sides: the init's, which does not block, and the process's. Both close on exec.
     */
    public static int[] terminal(String root, int rows, int columns) throws Errno {
        CIntPointer fds = StackValue.get(2, CIntPointer.class);
        try (PinnedObject p = pin(root)) {
            check("create a terminal", NativeCalls.terminal(chars(p), rows, columns, fds));
        }
        return new int[] {fds.read(0), fds.read(1)};
    }

    public static void resizeTerminal(int fd, int rows, int columns) throws Errno {
        check("resize a terminal", NativeCalls.resizeTerminal(fd, rows, columns));
    }

    /** Returns the character that ends the input of who reads lines from a terminal; 0 if no lines are read. */
    public static int endOfFileCharacter(int fd) throws Errno {
        return check("look at a terminal", NativeCalls.endOfFileCharacter(fd));
    }

    /** Returns another descriptor of the same file, which closes on exec. */
    public static int duplicate(int fd) throws Errno {
        return check("duplicate a descriptor", NativeCalls.duplicate(fd));
    }

    public static void setNonblocking(int fd) throws Errno {
        check("make a descriptor non-blocking", NativeCalls.setNonblocking(fd));
    }

    /** Returns a descriptor that becomes readable with {@link #signalEvent}. */
    public static int eventfd() throws Errno {
        return check("create an eventfd", NativeCalls.eventfd());
    }

    /** Makes an eventfd readable, until {@link #clearEvent}. */
    public static void signalEvent(int eventfd) {
        write(eventfd, new byte[] {1, 0, 0, 0, 0, 0, 0, 0}, 0, 8);
    }

    /** Takes what {@link #signalEvent} has left in an eventfd. */
    public static void clearEvent(int eventfd) {
        read(eventfd, new byte[8], 0, 8);
    }

    /** Returns a non-blocking socket that is connected to a TCP port of the loopback. Blocks for 10 s at most. */
    public static int connectTcp(int port) throws Errno {
        String action = "connect to TCP port " + port;
        int socket = NativeCalls.connectTcp(port, 0);
        if (socket == -Errno.ECONNREFUSED) {
            int other = NativeCalls.connectTcp(port, 1);
            // A kernel may be without IPv6: then the first answer says more.
            socket = other >= 0 ? other : socket;
        }
        return check(action, socket);
    }

    /** Returns a non-blocking socket that listens at a TCP port of 127.0.0.1; 0: at any that is free. */
    public static int listenTcp(int port) throws Errno {
        return check("listen at TCP port " + port, NativeCalls.listenTcp(port));
    }

    /** Returns the port at which a socket listens. */
    public static int localPort(int server) throws Errno {
        return check("ask for a port", NativeCalls.localPort(server));
    }

    /**
     * Returns a non-blocking socket of whoever has connected; -1 if nobody has, or is gone again.
     *
     * @throws Errno when there is no descriptor or memory for it
     */
    public static int acceptTcp(int server) throws Errno {
        int socket = NativeCalls.acceptTcp(server);
        return switch (-socket) {
            case Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.ENOBUFS -> check("accept a connection", socket);
            default -> Math.max(socket, -1);
        };
    }

    /** Returns a non-blocking socket that exchanges datagrams with a UDP port of the loopback. */
    public static int connectUdp(int port) throws Errno {
        return check("connect to UDP port " + port, NativeCalls.connectUdp(port));
    }

    /** Sends an empty datagram; returns 0 or a negated errno. */
    public static int writeNothing(int fd) {
        try (PinnedObject p = PinnedObject.create(new byte[1])) {
            return NativeCalls.write(fd, p.addressOfArrayElement(0), 0);
        }
    }

    /**
     * Returns a non-blocking socket that is connected to a unix socket. Blocks for 10 s at most.
     *
     * @param root where the path begins, and all links on the way stay
     * @param path absolute
     */
    public static int connectUnix(String root, byte[] path) throws Errno {
        try (PinnedObject r = pin(root);
                PinnedObject p = pin(path)) {
            return check(
                    "connect to " + new String(path, StandardCharsets.UTF_8),
                    NativeCalls.connectUnix(chars(r), chars(p)));
        }
    }

    /** Tells who reads a socket that this was all. */
    public static void shutdownWrite(int fd) {
        NativeCalls.shutdownWrite(fd);
    }

    /** Has closing a socket break its connection off. */
    public static void resetOnClose(int fd) {
        NativeCalls.resetOnClose(fd);
    }

    /**
     * Waits for events of one or two descriptors.
     *
     * @param first a descriptor, or -1
     * @param second another descriptor, or -1
     * @param millis how long; -1: for ever
     * @return the first's events | the second's shifted left by 16, 0 when time is up
     */
    public static int poll(int first, int firstEvents, int second, int secondEvents, int millis) throws Errno {
        return check("poll", NativeCalls.poll(first, firstEvents, second, secondEvents, millis));
    }

    public static void loadModule(String path) throws Errno {
        try (PinnedObject p = pin(path)) {
            check("load kernel module " + path, NativeCalls.loadModule(chars(p)));
        }
    }

    public static void setHostname(String name) throws Errno {
        try (PinnedObject p = pin(name)) {
            check("set host name", NativeCalls.setHostname(chars(p)));
        }
    }

    public static void setClock(long seconds, long nanos) throws Errno {
        check("set the clock", NativeCalls.setClock(seconds, nanos));
    }

    public static void addEntropy(byte[] bytes) throws Errno {
        try (PinnedObject p = PinnedObject.create(bytes)) {
            check("add entropy", NativeCalls.addEntropy(p.addressOfArrayElement(0), bytes.length));
        }
    }

    public static void loopbackUp() throws Errno {
        check("bring lo up", NativeCalls.loopbackUp());
    }

    /** Powers the machine off; returns only if that fails. */
    public static void powerOff() {
        NativeCalls.powerOff();
    }

    /** Returns a non-blocking socket that becomes readable when a device comes or changes. */
    static int uevents() throws Errno {
        return check("listen for devices", NativeCalls.uevents());
    }

    /** Blocks until a host is connected to the virtio-serial port. */
    public static void portWaitConnected(int fd) throws Errno {
        check("wait for the host", NativeCalls.portWaitConnected(fd));
    }

    /**
     * A child that has ended.
     *
     * @param exited its exit status, -1 if a signal ended it
     * @param signal the signal that ended it, 0 if it exited
     */
    public record Child(int pid, int exited, int signal) {}

    /** Waits until a child has ended; ECHILD when there is none. */
    public static Child waitForChild() throws Errno {
        CIntPointer exited = StackValue.get(CIntPointer.class);
        CIntPointer signal = StackValue.get(CIntPointer.class);
        int pid = check("wait for a child", NativeCalls.waitForChild(exited, signal));
        return new Child(pid, exited.read(), signal.read());
    }

    public static void kill(int pid, int signal) throws Errno {
        check("send signal " + signal, NativeCalls.kill(pid, signal));
    }

    public static int pidfd(int pid) throws Errno {
        return check("open a process", NativeCalls.pidfd(pid));
    }

    /**
     * What came of starting a process.
     *
     * @param pid its process id, or -1
     * @param failedStep a number of {@code barchan.v1.SpawnStep} when it was not started
     * @param failedPart which part of that step, if it has some: see guestsys.c
     */
    public record Spawned(int pid, int failedStep, int failedPart, int errno) {}

    /**
     * Has {@link #spawn} start processes in a sandbox's process namespace, when this thread calls it, which can start no threads any more.
     *
     * @param sandbox a pidfd of the sandbox's init
     */
    public static void spawnInto(int sandbox) throws Errno {
        check("enter the sandbox's process namespace", NativeCalls.spawnInto(sandbox));
    }

    /** Starts a process; see gs_spawn in guestsys.c for the form of its arguments. Called by one thread only. */
    public static Spawned spawn(byte[] strings, int[] numbers) {
        CIntPointer step = StackValue.get(CIntPointer.class);
        try (PinnedObject s = PinnedObject.create(strings);
                PinnedObject n = PinnedObject.create(numbers)) {
            int pid = NativeCalls.spawn(s.addressOfArrayElement(0), n.addressOfArrayElement(0), step);
            return pid >= 0
                    ? new Spawned(pid, 0, 0, 0)
                    : new Spawned(-1, step.read() & 0xff, step.read() >> Byte.SIZE, -pid);
        }
    }

    /** Starts the init of the sandbox's process namespace; returns its process id. */
    public static int spawnSandbox(String program, int ordersFd, int statusFd) throws Errno {
        try (PinnedObject p = pin(program)) {
            return check("start " + program, NativeCalls.spawnSandbox(chars(p), ordersFd, statusFd));
        }
    }

    /**
     * What is known of a file.
     *
     * @param mode with the bits of its type
     * @param device of a device, its number as stat(2) has it
     * @param links how many names it has
     * @param fileSystem number of the device that it lies on, which with {@code inode} says which file it is
     */
    public record Stat(
            int mode,
            int uid,
            int gid,
            long size,
            long seconds,
            int nanos,
            long device,
            long links,
            long fileSystem,
            long inode) {}

    /**
     * Says what is in a directory; follows no link.
     *
     * @param name empty: the directory itself
     * @return null where there is no such file
     */
    public static @Nullable Stat statAt(int directory, byte[] name) throws Errno {
        long[] facts = new long[10];
        try (PinnedObject n = pin(name);
                PinnedObject f = PinnedObject.create(facts)) {
            int result = NativeCalls.statAt(directory, chars(n), f.addressOfArrayElement(0));
            if (result == -Errno.ENOENT || result == -Errno.ENOTDIR) {
                return null;
            }
            check("look at a file", result);
        }
        return new Stat(
                (int) facts[0],
                (int) facts[1],
                (int) facts[2],
                facts[3],
                facts[4],
                (int) facts[5],
                facts[6],
                facts[7],
                facts[8],
                facts[9]);
    }

    /** Opens a directory in another; follows no link. */
    public static int openDirectoryAt(int directory, byte[] name) throws Errno {
        try (PinnedObject n = pin(name)) {
            return check("open a directory", NativeCalls.openAt(directory, chars(n), O_RDONLY | O_DIRECTORY));
        }
    }

    /** Opens a regular file in a directory to be read; follows no link, and waits for nobody. */
    public static int openFileAt(int directory, byte[] name) throws Errno {
        try (PinnedObject n = pin(name)) {
            return check("open a file", NativeCalls.openAt(directory, chars(n), O_RDONLY | O_NONBLOCK));
        }
    }

    /** Opens a directory of which a descriptor only names the place. */
    public static int reopenDirectory(int fd) throws Errno {
        return check("open a directory", NativeCalls.reopen(fd, O_RDONLY | O_DIRECTORY));
    }

    public static byte[] readLinkAt(int directory, byte[] name) throws Errno {
        byte[] target = new byte[4096];
        try (PinnedObject n = pin(name);
                PinnedObject t = PinnedObject.create(target)) {
            int size = NativeCalls.readLinkAt(directory, chars(n), t.addressOfArrayElement(0), target.length);
            return Arrays.copyOf(target, check("read a link", size));
        }
    }

    /** Returns the names in a directory but "." and "..", in the order of their bytes. */
    public static List<byte[]> list(int directory) throws Errno {
        List<byte[]> names = new ArrayList<>();
        forEachName(directory, names::add);
        names.sort(Arrays::compareUnsigned);
        return names;
    }

    /** Takes names of files. */
    @FunctionalInterface
    public interface NameTaker {
        void take(byte[] name) throws Errno;
    }

    /** Tells the names in a directory but "." and "..", in no order, from where the descriptor is on. */
    public static void forEachName(int directory, NameTaker taker) throws Errno {
        forEachName(directory, 32 * 1024, taker);
    }

    /** @param memory how many bytes are read at once, not less than the longest name takes */
    public static void forEachName(int directory, int memory, NameTaker taker) throws Errno {
        byte[] entries = new byte[memory];
        ByteBuffer view = ByteBuffer.wrap(entries).order(ByteOrder.nativeOrder());
        while (true) {
            int size;
            try (PinnedObject e = PinnedObject.create(entries)) {
                size = check(
                        "list a directory", NativeCalls.list(directory, e.addressOfArrayElement(0), entries.length));
            }
            if (size == 0) {
                return;
            }
            for (int at = 0; at < size; at += view.getShort(at + RECORD_LENGTH)) {
                int end = at + NAME;
                while (entries[end] != 0) {
                    end++;
                }
                byte[] name = Arrays.copyOfRange(entries, at + NAME, end);
                if (!Arrays.equals(name, new byte[] {'.'}) && !Arrays.equals(name, new byte[] {'.', '.'})) {
                    taker.take(name);
                }
            }
        }
    }

    /** Whether a directory of an overlay's upper layer hides all of the lower one. */
    public static boolean isOpaque(int directory) {
        return NativeCalls.isOpaque(directory) == 1;
    }

    /** Returns when all that was written to the file system of a directory is on its device. */
    public static void syncFileSystem(byte[] directory) throws Errno {
        try (PinnedObject d = pin(directory)) {
            check("write a file system out", NativeCalls.sync(chars(d), 1));
        }
    }

    /** Returns when all that was written to a file or device is on it. */
    public static void syncFile(String path) throws Errno {
        try (PinnedObject p = pin(path)) {
            check("write " + path + " out", NativeCalls.sync(chars(p), 0));
        }
    }

    private static int check(String action, int result) throws Errno {
        if (result < 0) {
            throw new Errno(action, -result);
        }
        return result;
    }

    private static void checkRange(byte[] buffer, int offset, int size) {
        // The C side trusts these; and element 0 of an empty array has no address.
        if (size < 1 || offset < 0 || offset > buffer.length - size) {
            throw new IndexOutOfBoundsException(offset + "+" + size + " of " + buffer.length);
        }
    }

    private static PinnedObject pin(String text) {
        return pin(text.getBytes(StandardCharsets.UTF_8));
    }

    private static PinnedObject pin(byte[] text) {
        return PinnedObject.create(Arrays.copyOf(text, text.length + 1));
    }

    private static CCharPointer chars(PinnedObject pinned) {
        return pinned.addressOfArrayElement(0);
    }
}
