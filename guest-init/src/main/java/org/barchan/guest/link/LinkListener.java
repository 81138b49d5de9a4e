package org.barchan.guest.link;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.barchan.link.Checksum;
import org.barchan.link.EpochReceiver;
import org.barchan.link.Frame;
import org.barchan.link.FrameDecoder;
import org.barchan.link.FrameEncoder;
import org.barchan.link.FrameType;
import org.barchan.link.OutputHeader;
import org.jspecify.annotations.Nullable;

/**
 * Turns the port into a sequence of clean byte-stream connections, one for each epoch that a host begins. All that comes before a SYN
 * or belongs to another epoch is thrown away. A SYN ends the connection before it, wherever that was.
 *
 * <p>One connection lives at a time, from before its host is there: what it takes to serve one is done while nobody waits for it. Whoever
 * reads the connection reads the port: there is no thread between.
 */
public final class LinkListener {
    private final HostPort port;
    private final Checksum checksum;
    private final ByteBuffer in = ByteBuffer.allocate(2 * (FrameEncoder.HEADER_SIZE + FrameEncoder.MAX_PAYLOAD))
            .flip();
    private final FrameDecoder decoder = new FrameDecoder();
    private final Object writeLock = new Object();
    /** Guarded by the lock. */
    private final ByteBuffer outputFrame = ByteBuffer.allocate(FrameEncoder.HEADER_SIZE + FrameEncoder.MAX_PAYLOAD);

    private int epochs;
    private @Nullable Connection current;
    private long pendingEpoch;

    /** Listens at a port; computes the checksums of what is large by {@code checksum}. */
    public LinkListener(HostPort port, Checksum checksum) {
        this.port = port;
        this.checksum = checksum;
    }

    /** Returns how many epochs there have been. */
    public synchronized int epochs() {
        return epochs;
    }

    /** Blocks until the connection before has been closed; returns the next, which the first read of it has wait for a host's new epoch. */
    public Connection accept() throws InterruptedException {
        synchronized (this) {
            // The reader of the epoch before may still be at the port: it leaves with what comes next, be it the SYN.
            while (current != null && (!current.closed || current.reading)) {
                wait();
            }
            current = new Connection(current);
            return current;
        }
    }

    private long awaitSyn() throws IOException {
        while (true) {
            Frame frame = readFrame();
            if (frame == null) {
                port.awaitHost();
            } else if (frame.type() == FrameType.SYN) {
                return frame.epoch();
            }
        }
    }

    /** Returns the next frame, or null when the host has hung up. */
    private @Nullable Frame readFrame() throws IOException {
        while (true) {
            Frame frame = decoder.decode(in);
            if (frame != null) {
                return frame;
            }
            in.compact();
            int n = port.read(in.array(), in.position(), in.remaining());
            in.position(in.position() + n).flip();
            if (n == 0) {
                in.position(in.limit()); // What a host that is gone did not finish.
                return null;
            }
        }
    }

    /** One epoch: a byte stream in each direction. Its input is read by one thread; its output may be written by several. */
    public final class Connection {
        /** Whose host is told of its end once this waits for the next; none, if it was told. */
        private @Nullable Connection before;

        /** Null until a host has begun the epoch. */
        private @Nullable EpochReceiver receiver;

        private long epoch;
        private long discardedBefore;
        private int sequence;
        private boolean begun;
        private boolean finished;
        private volatile boolean closed;
        /** The reader's own: the end of the input is for ever, since okhttp reads on behind it. */
        private boolean ended;

        private boolean reading;
        private final InputStream input = new Input();
        private final OutputStream output = new Output();

        private Connection(@Nullable Connection before) {
            this.before = before;
        }

        public InputStream input() {
            return input;
        }

        public OutputStream output() {
            return output;
        }

        public boolean isClosed() {
            return closed;
        }

        /**
         * Sends what a process wrote, in a frame of its own: carried over the connection, a stream has half the pace where the CPU is emulated.
         *
         * @param length at most {@link OutputHeader#MAX_DATA}
         */
        public void writeOutput(OutputHeader header, byte[] bytes, int from, int length) throws IOException {
            synchronized (writeLock) {
                requireOpen();
                header.write(outputFrame.clear().position(FrameEncoder.HEADER_SIZE));
                System.arraycopy(bytes, from, outputFrame.array(), outputFrame.position(), length);
                FrameEncoder.seal(
                        FrameType.OUTPUT,
                        epoch,
                        sequence++,
                        outputFrame.position(0),
                        OutputHeader.SIZE + length,
                        checksum);
                write(outputFrame.array(), outputFrame.position());
            }
        }

        /** Ends the epoch on this side. */
        public void close() {
            closed = true;
            boolean readerAtPort;
            synchronized (LinkListener.this) {
                readerAtPort = reading;
                LinkListener.this.notifyAll();
            }
            if (readerAtPort) {
                // Who waits there comes back by what the host does, and begins the next no sooner.
                finish();
            }
        }

        /** Tells the host, which has no other way to know, that the epoch has ended; most often as soon as the guest is ready for another. */
        private void finish() {
            synchronized (writeLock) {
                Connection ended = before;
                before = null;
                if (ended != null) {
                    ended.finish();
                }
                if (begun && !finished) {
                    finished = true;
                    try {
                        sendFrame(FrameType.FIN, ByteBuffer.allocate(0));
                    } catch (IOException e) {
                        // The host has gone itself.
                    }
                }
            }
        }

        /** Tells the host before that this waits for the next one, and waits. */
        private EpochReceiver begin() throws IOException {
            finish();
            epoch = pendingEpoch != 0 ? pendingEpoch : awaitSyn();
            pendingEpoch = 0;
            discardedBefore = decoder.discardedBytes();
            while (true) {
                synchronized (writeLock) {
                    try {
                        sequence = 0;
                        sendFrame(FrameType.SYN_ACK, ByteBuffer.allocate(0));
                        begun = true;
                        break;
                    } catch (IOException e) {
                        // Below, without the lock.
                    }
                }
                // The kernel tells by two ways that a host is there and what it sends, so that the SYN may come first.
                // A host that has
                // gone again leaves an answer that no other takes for its own.
                port.awaitHost();
            }
            synchronized (LinkListener.this) {
                epochs++;
            }
            output.flush();
            return new EpochReceiver(epoch);
        }

        /** Returns the payload of the next DATA frame, or null at the end of the epoch and ever after. */
        private @Nullable ByteBuffer nextData() throws IOException {
            synchronized (LinkListener.this) {
                if (ended || closed) {
                    return null;
                }
                reading = true;
            }
            ByteBuffer data = null;
            try {
                data = readData();
                return data;
            } finally {
                ended = data == null;
                synchronized (LinkListener.this) {
                    reading = false;
                    LinkListener.this.notifyAll();
                }
            }
        }

        private @Nullable ByteBuffer readData() throws IOException {
            EpochReceiver epochReceiver = receiver == null ? begin() : receiver;
            receiver = epochReceiver;
            while (!closed) {
                Frame frame = readFrame();
                if (frame == null) {
                    return null;
                }
                if (frame.type() == FrameType.SYN && frame.epoch() != epoch) {
                    pendingEpoch = frame.epoch();
                    return null;
                }
                if (frame.type() == FrameType.SYN || !epochReceiver.accept(frame)) {
                    continue;
                }
                if (decoder.discardedBytes() != discardedBefore) {
                    throw new IOException("bytes were damaged on the link");
                }
                switch (frame.type()) {
                    case DATA -> {
                        if (frame.payload().hasRemaining()) {
                            return frame.payload();
                        }
                    }
                    case PING -> writeFrame(FrameType.PONG, frame.payload());
                    case FIN -> {
                        return null;
                    }
                    case PONG, SYN, SYN_ACK, OUTPUT -> {}
                }
            }
            return null;
        }

        private void writeFrame(FrameType type, ByteBuffer payload) throws IOException {
            synchronized (writeLock) {
                requireOpen();
                sendFrame(type, payload);
            }
        }

        /** Called under the lock. */
        private void sendFrame(FrameType type, ByteBuffer payload) throws IOException {
            byte[] frame = new byte[FrameEncoder.HEADER_SIZE + payload.remaining()];
            FrameEncoder.encode(type, epoch, sequence++, payload, ByteBuffer.wrap(frame));
            port.write(frame, 0, frame.length);
        }

        private void requireOpen() throws IOException {
            if (closed) {
                throw new IOException("the epoch has ended");
            }
        }

        /** Writes a whole frame, whose number is used now; after a failure nothing more can be written in this epoch. Called under the lock. */
        private void write(byte[] frame, int size) throws IOException {
            try {
                port.write(frame, 0, size);
            } catch (IOException e) {
                close();
                throw e;
            }
        }

        private final class Input extends InputStream {
            private ByteBuffer data = ByteBuffer.allocate(0);

            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                if (length == 0) {
                    return 0;
                }
                if (!data.hasRemaining()) {
                    ByteBuffer next = nextData();
                    if (next == null) {
                        return -1;
                    }
                    data = next;
                }
                // The next connection, which is not there before this is closed, reads over the bytes.
                synchronized (LinkListener.this) {
                    if (closed) {
                        return -1;
                    }
                    int n = Math.min(length, data.remaining());
                    data.get(buffer, offset, n);
                    return n;
                }
            }
        }

        /** Gathers what is written until it is flushed or fills a frame: a frame costs a checksum and a system call. */
        private final class Output extends OutputStream {
            private final byte[] frame = new byte[FrameEncoder.HEADER_SIZE + FrameEncoder.MAX_PAYLOAD];
            private int end = FrameEncoder.HEADER_SIZE;

            @Override
            public void write(int b) throws IOException {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                int at = offset;
                synchronized (writeLock) {
                    while (at < offset + length) {
                        int n = Math.min(frame.length - end, offset + length - at);
                        System.arraycopy(bytes, at, frame, end, n);
                        end += n;
                        at += n;
                        if (end == frame.length) {
                            requireBegun();
                            flush();
                        }
                    }
                }
            }

            private void requireBegun() throws IOException {
                if (!begun) {
                    throw new IOException("more than a frame was written to a host that is not there yet");
                }
            }

            /** What is written before there is a host is kept for it. */
            @Override
            public void flush() throws IOException {
                synchronized (writeLock) {
                    if (!begun) {
                        return;
                    }
                    requireOpen();
                    int size = end;
                    end = FrameEncoder.HEADER_SIZE;
                    if (size > FrameEncoder.HEADER_SIZE) {
                        FrameEncoder.seal(
                                FrameType.DATA,
                                epoch,
                                sequence++,
                                ByteBuffer.wrap(frame),
                                size - FrameEncoder.HEADER_SIZE,
                                checksum);
                        Connection.this.write(frame, size);
                    }
                }
            }
        }
    }
}
