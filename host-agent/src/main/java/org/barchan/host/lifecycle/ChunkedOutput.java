package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;

/** A stream whose bytes are taken in pieces of a size that suits messages. Owned by one thread. */
public final class ChunkedOutput extends OutputStream {
    private static final int CHUNK = 64 * 1024;

    private final Taker taker;
    private final byte[] chunk = new byte[CHUNK];
    private int size;

    /** Takes pieces. */
    @FunctionalInterface
    public interface Taker {
        void take(ByteString data) throws IOException, InterruptedException;
    }

    /** Creates it; the last piece is taken with {@link #flush}. */
    public ChunkedOutput(Taker taker) {
        this.taker = taker;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        for (int done = 0; done < length; ) {
            int n = Math.min(length - done, CHUNK - size);
            System.arraycopy(bytes, offset + done, chunk, size, n);
            size += n;
            done += n;
            if (size == CHUNK) {
                flush();
            }
        }
    }

    @Override
    public void flush() throws IOException {
        if (size == 0) {
            return;
        }
        try {
            taker.take(ByteString.copyFrom(chunk, 0, size));
            size = 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException();
            interrupted.initCause(e);
            throw interrupted;
        }
    }
}
