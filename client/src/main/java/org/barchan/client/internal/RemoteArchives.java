package org.barchan.client.internal;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import org.barchan.client.BarchanException;
import org.barchan.client.RawText;
import org.barchan.client.UnpackedArchive;
import org.barchan.v1.FileServiceGrpc;
import org.barchan.v1.ReadArchiveRequest;
import org.barchan.v1.WriteArchiveRequest;
import org.barchan.v1.WriteArchiveResponse;
import org.barchan.v1.WriteArchiveStart;

/** Archives of the files of one sandbox, carried by an agent. Thread-safe. */
final class RemoteArchives {
    private static final int CHUNK = 64 * 1024;
    private static final String UNPACKING = "unpacking an archive";

    private final Channel channel;

    RemoteArchives(Channel channel) {
        this.channel = channel;
    }

    void read(ReadArchiveRequest request, OutputStream out) throws BarchanException, IOException {
        Context.CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        try {
            var responses = ClientCalls.blockingServerStreamingCall(
                    channel, FileServiceGrpc.getReadArchiveMethod(), CallOptions.DEFAULT, request);
            while (responses.hasNext()) {
                responses.next().getData().writeTo(out);
            }
            out.flush();
        } catch (StatusRuntimeException e) {
            throw StatusErrors.toException("making an archive", e);
        } finally {
            context.detach(before);
            context.cancel(null);
        }
    }

    UnpackedArchive write(WriteArchiveStart start, InputStream archive) throws BarchanException, IOException {
        Context.CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        try {
            BlockingClientCall<WriteArchiveRequest, WriteArchiveResponse> call =
                    ClientCalls.blockingClientStreamingCall(
                            channel, FileServiceGrpc.getWriteArchiveMethod(), CallOptions.DEFAULT);
            send(call, start, archive);
            WriteArchiveResponse response = call.read();
            if (response == null) {
                throw new BarchanException(BarchanException.Code.INTERNAL, UNPACKING + ": no answer");
            }
            return new UnpackedArchive(
                    response.getEntryCount(),
                    response.getSkippedCount(),
                    response.getSkippedNamesList().stream()
                            .map(name -> RawText.decode(name.toByteArray()))
                            .toList());
        } catch (StatusException e) {
            throw StatusErrors.toException(UNPACKING, e.getStatus(), e.getTrailers());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(UNPACKING + " was interrupted");
        } finally {
            context.detach(before);
            context.cancel(null);
        }
    }

    /** Until the agent takes no more: what it ends the call with says why. */
    private static void send(
            BlockingClientCall<WriteArchiveRequest, WriteArchiveResponse> call,
            WriteArchiveStart start,
            InputStream archive)
            throws IOException, InterruptedException, StatusException {
        byte[] chunk = new byte[CHUNK];
        boolean taken =
                call.write(WriteArchiveRequest.newBuilder().setStart(start).build());
        for (int n = taken ? archive.read(chunk) : -1; n >= 0; n = taken ? archive.read(chunk) : -1) {
            taken = call.write(WriteArchiveRequest.newBuilder()
                    .setData(ByteString.copyFrom(chunk, 0, n))
                    .build());
        }
        call.halfClose();
    }
}
