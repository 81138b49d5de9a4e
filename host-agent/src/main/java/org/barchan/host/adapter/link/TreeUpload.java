package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.Optional;
import org.barchan.guest.v1.TreeExtent;
import org.barchan.guest.v1.TreePiece;
import org.barchan.guest.v1.WriteTreeRequest;
import org.barchan.guest.v1.WriteTreeResponse;
import org.barchan.guest.v1.WriteTreeStart;
import org.barchan.host.port.TreeEntry;
import org.barchan.host.port.TreeTaker;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.WriteArchiveStart;

/** Sends files to a guest, as many in a message as fit. Owned by one thread. */
final class TreeUpload implements TreeTaker {
    private static final int MESSAGE = 64 * 1024;

    private final String action;
    private final GuestUpload<WriteTreeRequest, WriteTreeResponse> upload;
    private final WriteTreeRequest.Builder some = WriteTreeRequest.newBuilder();
    private int size;

    TreeUpload(String action, GuestUpload<WriteTreeRequest, WriteTreeResponse> upload, WriteArchiveStart start)
            throws SandboxException, InterruptedException {
        this.action = action;
        this.upload = upload;
        some.setStart(
                WriteTreeStart.newBuilder().setDirectory(start.getDirectory()).setKeepOwners(start.getKeepOwners()));
        // By itself: whether there is such a directory is known before the first file comes.
        flush();
    }

    @Override
    public void entry(TreeEntry entry) throws SandboxException, InterruptedException {
        var guestEntry = org.barchan.guest.v1.TreeEntry.newBuilder()
                .setPath(entry.path())
                .setInfo(entry.info())
                .setHardLink(entry.hardLink())
                .setSparse(entry.extents().isPresent());
        for (TreeEntry.Extent extent : entry.extents().orElseGet(List::of)) {
            guestEntry.addExtents(
                    TreeExtent.newBuilder().setOffset(extent.offset()).setLengthBytes(extent.length()));
        }
        TreePiece piece = TreePiece.newBuilder().setEntry(guestEntry).build();
        add(piece, piece.getSerializedSize());
    }

    @Override
    public void data(ByteString data) throws SandboxException, InterruptedException {
        add(TreePiece.newBuilder().setData(data).build(), data.size());
    }

    private void add(TreePiece piece, int bytes) throws SandboxException, InterruptedException {
        if (size + bytes > MESSAGE) {
            flush();
        }
        some.addPieces(piece);
        size += bytes;
    }

    private void flush() throws SandboxException, InterruptedException {
        Optional<WriteTreeResponse> early = upload.send(some.build());
        some.clear();
        size = 0;
        if (early.isPresent()) {
            throw failed(early.get());
        }
    }

    /** Returns when all of it is there. */
    void finish() throws SandboxException, InterruptedException {
        if (some.getPiecesCount() > 0) {
            flush();
        }
        WriteTreeResponse response = upload.finish();
        if (response.hasFailure()) {
            throw failed(response);
        }
    }

    private SandboxException failed(WriteTreeResponse response) {
        return response.hasFailure()
                ? GuestErrors.of(action, response.getFailure())
                : CheckedMessages.bad(action, "an answer before it had all files");
    }
}
