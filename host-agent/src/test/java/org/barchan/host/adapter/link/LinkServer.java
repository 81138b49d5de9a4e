package org.barchan.host.adapter.link;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.barchan.link.EpochReceiver;
import org.barchan.link.Frame;
import org.barchan.link.FrameDecoder;
import org.barchan.link.FrameEncoder;
import org.barchan.link.FrameType;
import org.barchan.link.LinkException;
import org.barchan.link.OutputHeader;
import org.barchan.link.Padding;
import org.barchan.v1.ProcessOutput;

/** The guest's end of the link, behind a unix socket that takes one connection at a time, as QEMU does. */
final class LinkServer implements AutoCloseable {
    /** What a guest does with a connection. */
    interface Session {
        void run(Connection connection) throws IOException;
    }

    private final Path socket;
    private final ServerSocketChannel server;
    private final AtomicInteger connections = new AtomicInteger();
    private volatile SocketChannel current;

    LinkServer(Path socket, Session session) throws IOException {
        this.socket = socket;
        this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        this.current = SocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        daemon(() -> accept(session));
    }

    static void daemon(Runnable task) {
        Thread.ofPlatform().daemon().start(task);
    }

    private void accept(Session session) {
        while (server.isOpen()) {
            try (SocketChannel accepted = server.accept()) {
                current = accepted;
                connections.incrementAndGet();
                session.run(new Connection(accepted));
            } catch (IOException | RuntimeException e) {
                // The connection is over; the next one starts anew.
            }
        }
    }

    int connections() {
        return connections.get();
    }

    /** Cuts the connection that is there now. */
    void cut() throws IOException {
        current.close();
    }

    @Override
    public void close() throws IOException {
        server.close();
        current.close();
        Files.deleteIfExists(socket);
    }

    /** One connection of the host. */
    static final class Connection {
        private final SocketChannel channel;
        private final FrameDecoder decoder = new FrameDecoder();
        private final ByteBuffer in = ByteBuffer.allocate(2 * Padding.SIZE).flip();
        private final ByteBuffer out = ByteBuffer.allocate(2 * Padding.SIZE);
        private EpochReceiver receiver = new EpochReceiver(0);
        private long epoch;
        private int sequence;
        private long cutAfter = Long.MAX_VALUE;
        private long corruptAfter = Long.MAX_VALUE;
        private long written;

        Connection(SocketChannel channel) {
            this.channel = channel;
        }

        /** Closes the connection, perhaps in the middle of a frame, after so many bytes. */
        void cutAfter(long bytes) {
            cutAfter = bytes;
        }

        /** Flips a bit of the frame that goes over so many bytes. */
        void corruptAfter(long bytes) {
            corruptAfter = bytes;
        }

        /** Waits for a SYN and answers it. */
        void handshake() throws IOException {
            awaitSyn();
            send(FrameType.SYN_ACK, ByteBuffer.allocate(0));
        }

        void awaitSyn() throws IOException {
            Frame frame = next();
            while (frame.type() != FrameType.SYN) {
                frame = next();
            }
            epoch = frame.epoch();
            receiver = new EpochReceiver(epoch);
        }

        /** Returns the next frame of the epoch, or nothing at its end. */
        Optional<Frame> receive() throws IOException {
            while (true) {
                Frame frame = next();
                if (receiver.accept(frame)) {
                    return frame.type() == FrameType.FIN ? Optional.empty() : Optional.of(frame);
                }
            }
        }

        private Frame next() throws IOException {
            while (true) {
                Frame frame = decoder.decode(in);
                if (frame != null) {
                    return frame;
                }
                in.compact();
                int count = channel.read(in);
                in.flip();
                if (count < 0) {
                    throw new LinkException("the host is gone");
                }
            }
        }

        synchronized void send(FrameType type, ByteBuffer payload) throws IOException {
            out.clear();
            FrameEncoder.encode(type, epoch, sequence++, payload, out);
            out.flip();
            if (written + out.remaining() > corruptAfter) {
                out.put(out.limit() - 1, (byte) ~out.get(out.limit() - 1));
                corruptAfter = Long.MAX_VALUE;
            }
            sendRaw(out);
        }

        void data(byte[] bytes) throws IOException {
            for (int at = 0; at < bytes.length; at += FrameEncoder.MAX_PAYLOAD) {
                send(FrameType.DATA, ByteBuffer.wrap(bytes, at, Math.min(bytes.length - at, FrameEncoder.MAX_PAYLOAD)));
            }
        }

        /** Sends output of a process. */
        void output(int channel, ProcessOutput output) throws IOException {
            ByteBuffer payload =
                    ByteBuffer.allocate(OutputHeader.SIZE + output.getData().size());
            new OutputHeader(channel, output.getStreamValue(), output.getOffset()).write(payload);
            output.getData().copyTo(payload);
            send(FrameType.OUTPUT, payload.flip());
        }

        synchronized void sendRaw(ByteBuffer bytes) throws IOException {
            if (written + bytes.remaining() >= cutAfter) {
                bytes.limit(bytes.position() + (int) (cutAfter - written));
            }
            while (bytes.hasRemaining()) {
                written += channel.write(bytes);
            }
            if (written >= cutAfter) {
                channel.close();
                throw new LinkException("cut");
            }
        }

        private void hangUp() {
            try {
                channel.close();
            } catch (IOException e) {
                // It is gone.
            }
        }

        /** Carries the epoch to and from a gRPC server behind another unix socket. */
        void bridge(Path backend) throws IOException {
            try (SocketChannel inner = SocketChannel.open(UnixDomainSocketAddress.of(backend))) {
                daemon(() -> {
                    ByteBuffer bytes = ByteBuffer.allocate(FrameEncoder.MAX_PAYLOAD);
                    try {
                        while (inner.read(bytes) >= 0) {
                            send(FrameType.DATA, bytes.flip());
                            bytes.clear();
                        }
                    } catch (AsynchronousCloseException e) {
                        // The host has ended the epoch.
                        return;
                    } catch (IOException e) {
                        // The session is over.
                    }
                    hangUp();
                });
                for (Optional<Frame> frame = receive(); frame.isPresent(); frame = receive()) {
                    ByteBuffer payload = frame.get().payload();
                    while (frame.get().type() == FrameType.DATA && payload.hasRemaining()) {
                        inner.write(payload);
                    }
                }
            }
        }
    }
}
