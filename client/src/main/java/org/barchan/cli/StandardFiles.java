package org.barchan.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/** This process's descriptors 0 to 2, without any buffer of Java's in between. Those that were closed lead to /dev/null. */
final class StandardFiles {
    /** A descriptor that somebody made non-blocking can't be waited for in Java. */
    private static final long RETRY_NANOS = 1_000_000;

    private StandardFiles() {}

    /** One of them, to write to. Thread-safe. */
    static final class Output {
        private final int number;
        private final FileChannel channel;

        Output(int number, FileDescriptor descriptor) {
            this.number = number;
            this.channel = new FileOutputStream(descriptor).getChannel();
        }

        boolean isTerminal() {
            return StandardFiles.isTerminal(number);
        }

        /** Writes all remaining bytes. */
        synchronized void write(ByteBuffer bytes) throws IOException {
            while (bytes.hasRemaining()) {
                if (channel.write(bytes) == 0) {
                    LockSupport.parkNanos(RETRY_NANOS);
                }
            }
        }

        /** Tells whether there is a reader at the other end, so that a write that fails says that it has gone. */
        boolean leadsToReader() {
            try {
                String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + number))
                        .toString();
                return target.startsWith("pipe:")
                        || target.startsWith("socket:")
                        || ((boolean) Files.getAttribute(Path.of(target), "isOther") && !target.startsWith("/dev/"));
            } catch (IOException e) {
                return false;
            }
        }
    }

    static final Output STDOUT = new Output(1, FileDescriptor.out);
    static final Output STDERR = new Output(2, FileDescriptor.err);

    private static boolean isTerminal(int number) {
        return NativeCalls.isTerminal(number) != 0;
    }

    static boolean stdinIsTerminal() {
        return isTerminal(0);
    }

    /** Returns the number of one that is a terminal, -1 if none is. */
    static int terminal() {
        return IntStream.range(0, 3)
                .filter(StandardFiles::isTerminal)
                .findFirst()
                .orElse(-1);
    }

    static boolean stdinIsOpen() {
        return NativeCalls.wasClosed(0) == 0;
    }

    /** Reads what there is, waiting for at least one byte; -1 at the end. */
    static int readStdin(byte[] buffer) throws IOException {
        FileChannel channel = Stdin.CHANNEL;
        int count = channel.read(ByteBuffer.wrap(buffer));
        while (count == 0) {
            LockSupport.parkNanos(RETRY_NANOS);
            count = channel.read(ByteBuffer.wrap(buffer));
        }
        return count;
    }

    private static final class Stdin {
        static final FileChannel CHANNEL = new FileInputStream(FileDescriptor.in).getChannel();
    }
}
