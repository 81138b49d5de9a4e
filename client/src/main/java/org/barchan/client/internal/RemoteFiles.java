package org.barchan.client.internal;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.function.BiConsumer;
import org.barchan.client.BarchanException;
import org.barchan.client.FileAttributes;
import org.barchan.client.FileContent;
import org.barchan.client.FileInfo;
import org.barchan.client.RawText;
import org.barchan.client.SandboxFiles;
import org.barchan.client.UnpackedArchive;
import org.barchan.v1.FileServiceGrpc;
import org.barchan.v1.ListDirectoryRequest;
import org.barchan.v1.ListDirectoryResponse;
import org.barchan.v1.MakeDirectoryRequest;
import org.barchan.v1.MakeSymbolicLinkRequest;
import org.barchan.v1.ReadArchiveRequest;
import org.barchan.v1.ReadFileRequest;
import org.barchan.v1.ReadFileResponse;
import org.barchan.v1.RemoveFileRequest;
import org.barchan.v1.RenameFileRequest;
import org.barchan.v1.SetFileAttributesRequest;
import org.barchan.v1.StatFileRequest;
import org.barchan.v1.WriteArchiveStart;
import org.barchan.v1.WriteFileRequest;
import org.barchan.v1.WriteFileResponse;
import org.barchan.v1.WriteFileStart;
import org.jspecify.annotations.Nullable;

/** The files of one sandbox, reached by an agent. Thread-safe. */
final class RemoteFiles implements SandboxFiles {
    private static final int CHUNK = 64 * 1024;

    private final Channel channel;
    private final String sandbox;

    RemoteFiles(Channel channel, String sandbox) {
        this.channel = channel;
        this.sandbox = sandbox;
    }

    private <Q, R> R call(String action, MethodDescriptor<Q, R> method, Q request) throws BarchanException {
        try {
            return ClientCalls.blockingUnaryCall(channel, method, CallOptions.DEFAULT, request);
        } catch (StatusRuntimeException e) {
            throw StatusErrors.toException(action, e);
        }
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFrom(RawText.encode(text));
    }

    private static org.barchan.v1.FileAttributes attributes(FileAttributes attributes) {
        var proto = org.barchan.v1.FileAttributes.newBuilder();
        attributes.mode().ifPresent(proto::setMode);
        attributes.uid().ifPresent(uid -> proto.setUid((int) (long) uid));
        attributes.gid().ifPresent(gid -> proto.setGid((int) (long) gid));
        attributes.modifyTime().ifPresent(time -> proto.setModifyTime(timestamp(time)));
        return proto.build();
    }

    private static Timestamp timestamp(Instant instant) {
        long seconds = instant.getEpochSecond();
        int nanos = instant.getNano();
        return Timestamp.newBuilder().setSeconds(seconds).setNanos(nanos).build();
    }

    @Override
    public FileInfo stat(String path, boolean follow) throws BarchanException {
        StatFileRequest request = StatFileRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .setFollow(follow)
                .build();
        return ResultMapping.fromProto(call("looking at a file", FileServiceGrpc.getStatFileMethod(), request)
                .getInfo());
    }

    private interface Taker<R> {
        void take(R response) throws IOException;
    }

    /** Ends the call with whatever the taker throws. */
    private <Q, R> void stream(String action, MethodDescriptor<Q, R> method, Q request, Taker<R> taker)
            throws BarchanException, IOException {
        Context.CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        try {
            var responses = ClientCalls.blockingServerStreamingCall(channel, method, CallOptions.DEFAULT, request);
            while (responses.hasNext()) {
                taker.take(responses.next());
            }
        } catch (StatusRuntimeException e) {
            throw StatusErrors.toException(action, e);
        } finally {
            context.detach(before);
            context.cancel(null);
        }
    }

    @Override
    public void list(String path, BiConsumer<String, FileInfo> listener) throws BarchanException {
        ListDirectoryRequest request = ListDirectoryRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .build();
        try {
            stream(
                    "listing a directory",
                    FileServiceGrpc.getListDirectoryMethod(),
                    request,
                    response -> tell(response, listener));
        } catch (IOException e) {
            throw new IllegalStateException("listeners throw none", e);
        }
    }

    private static void tell(ListDirectoryResponse response, BiConsumer<String, FileInfo> listener) {
        response.getEntriesList()
                .forEach(entry -> listener.accept(
                        RawText.decode(entry.getName().toByteArray()), ResultMapping.fromProto(entry.getInfo())));
    }

    @Override
    public FileInfo read(String path, FileContent content) throws BarchanException, IOException {
        ReadFileRequest request = ReadFileRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .build();
        FileReading reading = new FileReading(content);
        stream("reading a file", FileServiceGrpc.getReadFileMethod(), request, reading);
        FileInfo info = reading.info;
        if (info == null) {
            throw new BarchanException(
                    BarchanException.Code.INTERNAL, "reading a file: the agent has not said what it is");
        }
        return info;
    }

    private static final class FileReading implements Taker<ReadFileResponse> {
        private final FileContent content;
        private @Nullable FileInfo info;

        FileReading(FileContent content) {
            this.content = content;
        }

        @Override
        public void take(ReadFileResponse response) throws IOException {
            switch (response.getPieceCase()) {
                case INFO -> info = ResultMapping.fromProto(response.getInfo());
                case DATA -> content.data(response.getData().asReadOnlyByteBuffer());
                case HOLE_BYTES -> content.hole(response.getHoleBytes());
                case PIECE_NOT_SET -> {} // something newer that this client can do without
            }
        }
    }

    @Override
    public FileInfo write(String path, FileAttributes attributes, Source source) throws BarchanException, IOException {
        WriteFileStart start = WriteFileStart.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .setAttributes(attributes(attributes))
                .build();
        Context.CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        try {
            Upload upload = new Upload(ClientCalls.blockingClientStreamingCall(
                    channel, FileServiceGrpc.getWriteFileMethod(), CallOptions.DEFAULT));
            try {
                upload.send(WriteFileRequest.newBuilder().setStart(start).build());
                source.writeTo(upload);
            } catch (Ended e) {
                // What the call was ended with says why.
            }
            return ResultMapping.fromProto(upload.finish().getInfo());
        } catch (StatusException e) {
            throw StatusErrors.toException("writing a file", e.getStatus(), e.getTrailers());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("writing a file was interrupted");
        } finally {
            context.detach(before);
            context.cancel(null);
        }
    }

    /** The agent takes no more. */
    private static final class Ended extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private record Upload(BlockingClientCall<WriteFileRequest, WriteFileResponse> call) implements FileContent {
        void send(WriteFileRequest request) throws IOException {
            try {
                if (!call.write(request)) {
                    throw new Ended();
                }
            } catch (StatusException e) {
                throw new Ended();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("writing a file was interrupted");
            }
        }

        @Override
        public void data(ByteBuffer bytes) throws IOException {
            while (bytes.hasRemaining()) {
                send(WriteFileRequest.newBuilder()
                        .setData(ByteString.copyFrom(bytes, Math.min(CHUNK, bytes.remaining())))
                        .build());
            }
        }

        @Override
        public void hole(long bytes) throws IOException {
            send(WriteFileRequest.newBuilder().setHoleBytes(bytes).build());
        }

        WriteFileResponse finish() throws StatusException, InterruptedException, BarchanException {
            call.halfClose();
            WriteFileResponse response = call.read();
            if (response == null) {
                throw new BarchanException(
                        BarchanException.Code.INTERNAL, "writing a file: the agent ended the call without an answer");
            }
            return response;
        }
    }

    @Override
    public void makeDirectory(String path, boolean parents, FileAttributes attributes) throws BarchanException {
        MakeDirectoryRequest request = MakeDirectoryRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .setParents(parents)
                .setAttributes(attributes(attributes))
                .build();
        var _ = call("making a directory", FileServiceGrpc.getMakeDirectoryMethod(), request);
    }

    @Override
    public void makeSymbolicLink(String path, String target, boolean replace, FileAttributes attributes)
            throws BarchanException {
        MakeSymbolicLinkRequest request = MakeSymbolicLinkRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .setTarget(bytes(target))
                .setReplace(replace)
                .setAttributes(attributes(attributes))
                .build();
        var _ = call("making a symbolic link", FileServiceGrpc.getMakeSymbolicLinkMethod(), request);
    }

    @Override
    public void remove(String path, boolean recursive) throws BarchanException {
        RemoveFileRequest request = RemoveFileRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .setRecursive(recursive)
                .build();
        var _ = call("removing a file", FileServiceGrpc.getRemoveFileMethod(), request);
    }

    @Override
    public void rename(String path, String newPath, boolean replace) throws BarchanException {
        RenameFileRequest request = RenameFileRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .setNewPath(bytes(newPath))
                .setReplace(replace)
                .build();
        var _ = call("renaming a file", FileServiceGrpc.getRenameFileMethod(), request);
    }

    @Override
    public FileInfo setAttributes(String path, boolean follow, FileAttributes attributes) throws BarchanException {
        SetFileAttributesRequest request = SetFileAttributesRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .setFollow(follow)
                .setAttributes(attributes(attributes))
                .build();
        return ResultMapping.fromProto(
                call("setting attributes of a file", FileServiceGrpc.getSetFileAttributesMethod(), request)
                        .getInfo());
    }

    @Override
    public void readArchive(String path, boolean follow, boolean contents, OutputStream out)
            throws BarchanException, IOException {
        ReadArchiveRequest request = ReadArchiveRequest.newBuilder()
                .setSandbox(sandbox)
                .setPath(bytes(path))
                .setFollow(follow)
                .setContents(contents)
                .build();
        new RemoteArchives(channel).read(request, out);
    }

    @Override
    public UnpackedArchive writeArchive(String directory, boolean keepOwners, InputStream archive)
            throws BarchanException, IOException {
        WriteArchiveStart start = WriteArchiveStart.newBuilder()
                .setSandbox(sandbox)
                .setDirectory(bytes(directory))
                .setKeepOwners(keepOwners)
                .build();
        return new RemoteArchives(channel).write(start, archive);
    }
}
