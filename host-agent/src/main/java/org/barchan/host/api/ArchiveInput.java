package org.barchan.host.api;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.Optional;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.WriteArchiveRequest;
import org.barchan.v1.WriteArchiveResponse;

/** The bytes of an archive that a client sends, as fast as they are read. Owned by one thread. */
final class ArchiveInput extends InputStream {
    private final PacedRequests<WriteArchiveRequest, WriteArchiveResponse> requests;
    private ByteString piece = ByteString.EMPTY;
    private int taken;
    private boolean ended;
    private Optional<SandboxException> violation = Optional.empty();

    /** @param requests those behind the first */
    ArchiveInput(PacedRequests<WriteArchiveRequest, WriteArchiveResponse> requests) {
        this.requests = requests;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        while (taken == piece.size() && !ended) {
            next();
        }
        if (taken == piece.size()) {
            return -1;
        }
        int n = Math.min(length, piece.size() - taken);
        piece.substring(taken, taken + n).copyTo(bytes, offset);
        taken += n;
        return n;
    }

    private void next() throws IOException {
        try {
            WriteArchiveRequest request = requests.next();
            taken = 0;
            ended = request == null;
            piece = request == null ? ByteString.EMPTY : FileParser.archiveData(request);
        } catch (SandboxException e) {
            violation = Optional.of(e);
            throw new IOException("a request that can't be", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException();
            interrupted.initCause(e);
            throw interrupted;
        }
    }

    /** @throws SandboxException {@code INVALID}: what made reading fail, if the client did */
    void check() throws SandboxException {
        if (violation.isPresent()) {
            throw violation.get();
        }
    }
}
