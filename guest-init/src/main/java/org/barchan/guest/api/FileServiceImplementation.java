package org.barchan.guest.api;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.barchan.guest.files.FileWrite;
import org.barchan.guest.files.SandboxTree;
import org.barchan.guest.files.TreeWrite;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.FileServiceGrpc;
import org.barchan.guest.v1.ListDirectoryRequest;
import org.barchan.guest.v1.ListDirectoryResponse;
import org.barchan.guest.v1.MakeDirectoryRequest;
import org.barchan.guest.v1.MakeDirectoryResponse;
import org.barchan.guest.v1.MakeSymbolicLinkRequest;
import org.barchan.guest.v1.MakeSymbolicLinkResponse;
import org.barchan.guest.v1.ReadFileRequest;
import org.barchan.guest.v1.ReadFileResponse;
import org.barchan.guest.v1.ReadTreeRequest;
import org.barchan.guest.v1.ReadTreeResponse;
import org.barchan.guest.v1.RemoveFileRequest;
import org.barchan.guest.v1.RemoveFileResponse;
import org.barchan.guest.v1.RenameFileRequest;
import org.barchan.guest.v1.RenameFileResponse;
import org.barchan.guest.v1.SetFileAttributesRequest;
import org.barchan.guest.v1.SetFileAttributesResponse;
import org.barchan.guest.v1.StatFileRequest;
import org.barchan.guest.v1.StatFileResponse;
import org.barchan.guest.v1.TreePiece;
import org.barchan.guest.v1.WriteFileFailure;
import org.barchan.guest.v1.WriteFileRequest;
import org.barchan.guest.v1.WriteFileResponse;
import org.barchan.guest.v1.WriteTreeRequest;
import org.barchan.guest.v1.WriteTreeResponse;
import org.jspecify.annotations.Nullable;

/** What the agent can ask of the sandbox's files. See file_service.proto. */
final class FileServiceImplementation extends FileServiceGrpc.FileServiceImplBase {
    /** Of each, up to 1 MiB waits in the init's memory. */
    private static final int MAX_STREAMS = 8;

    private static final int STACK = 256 * 1024;
    /** Directories are read within each other; what is not needed takes no memory. */
    private static final int TREE_STACK = 1024 * 1024;

    private final SandboxTree tree;
    private final Semaphore streams = new Semaphore(MAX_STREAMS);

    FileServiceImplementation(Supplier<String> root) {
        this.tree = new SandboxTree(root);
    }

    /** Returns what a caller is told of what went wrong: the one place where that is decided. */
    static StatusRuntimeException statusOf(Exception e) {
        if (e instanceof StatusRuntimeException known) {
            return known;
        }
        Status status = switch (e) {
            case Errno errno -> statusOf(errno.number());
            case IllegalArgumentException _ -> Status.INVALID_ARGUMENT;
            case IllegalStateException _ -> Status.FAILED_PRECONDITION;
            default -> Status.INTERNAL;
        };
        return status.withDescription(String.valueOf(e.getMessage())).asRuntimeException();
    }

    private static Status statusOf(int errno) {
        return switch (errno) {
            case Errno.ENOENT -> Status.NOT_FOUND;
            case Errno.EEXIST -> Status.ALREADY_EXISTS;
            case Errno.EPERM, Errno.EACCES -> Status.PERMISSION_DENIED;
            case Errno.EINVAL, Errno.ENAMETOOLONG -> Status.INVALID_ARGUMENT;
            case Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG, Errno.ENOMEM, Errno.EMFILE, Errno.ENFILE ->
                Status.RESOURCE_EXHAUSTED;
            case Errno.ENOTDIR,
                    Errno.EISDIR,
                    Errno.ENOTEMPTY,
                    Errno.EROFS,
                    Errno.EBUSY,
                    Errno.ELOOP,
                    Errno.EXDEV,
                    Errno.EMLINK,
                    Errno.ENXIO,
                    Errno.EAGAIN,
                    Errno.EOPNOTSUPP -> Status.FAILED_PRECONDITION;
            default -> Status.INTERNAL;
        };
    }

    private interface Method<R> {
        R call() throws Errno;
    }

    private static <R> void answer(StreamObserver<R> observer, Method<R> method) {
        R response;
        try {
            response = method.call();
        } catch (Errno | RuntimeException e) {
            observer.onError(statusOf(e));
            return;
        }
        observer.onNext(response);
        observer.onCompleted();
    }

    private StatusRuntimeException tooMany() {
        return Status.RESOURCE_EXHAUSTED
                .withDescription(
                        MAX_STREAMS + " files are being read and written in this sandbox, as many as may at once:"
                                + " wait until one is done")
                .asRuntimeException();
    }

    private interface Source<R> {
        void sendTo(Consumer<R> taker) throws Errno;
    }

    /** Answers with any number of responses, as fast as they are taken. */
    private <R> void stream(StreamObserver<R> observer, int stack, Source<R> source) {
        var call = (ServerCallStreamObserver<R>) observer;
        if (!streams.tryAcquire()) {
            call.onError(tooMany());
            return;
        }
        Semaphore ready = new Semaphore(0);
        call.setOnReadyHandler(ready::release);
        call.setOnCancelHandler(ready::release);
        // Not on gRPC's thread for this call, which tells when it is ready.
        Thread reader = new Thread(null, () -> send(call, ready, source), "files", stack);
        reader.setDaemon(true);
        boolean started = false;
        try {
            reader.start();
            started = true;
        } finally {
            if (!started) {
                streams.release();
            }
        }
    }

    private <R> void send(ServerCallStreamObserver<R> call, Semaphore ready, Source<R> source) {
        try {
            source.sendTo(response -> {
                while (!call.isReady() && !call.isCancelled()) {
                    ready.acquireUninterruptibly();
                }
                if (call.isCancelled()) {
                    throw Status.CANCELLED.asRuntimeException();
                }
                call.onNext(response);
            });
            call.onCompleted();
        } catch (Errno | RuntimeException e) {
            if (!call.isCancelled()) {
                call.onError(statusOf(e));
            }
        } finally {
            streams.release();
        }
    }

    @Override
    public void statFile(StatFileRequest request, StreamObserver<StatFileResponse> observer) {
        answer(
                observer,
                () -> StatFileResponse.newBuilder().setInfo(tree.stat(request)).build());
    }

    @Override
    public void listDirectory(ListDirectoryRequest request, StreamObserver<ListDirectoryResponse> observer) {
        stream(observer, STACK, taker -> tree.list(request.getPath().toByteArray(), taker));
    }

    @Override
    public void readFile(ReadFileRequest request, StreamObserver<ReadFileResponse> observer) {
        stream(observer, STACK, taker -> tree.read(request, taker));
    }

    @Override
    public StreamObserver<WriteFileRequest> writeFile(StreamObserver<WriteFileResponse> observer) {
        return upload(observer, new FileUpload());
    }

    private <Q, R> StreamObserver<Q> upload(StreamObserver<R> observer, UploadCall.Upload<Q, R> upload) {
        var call = (ServerCallStreamObserver<R>) observer;
        return streams.tryAcquire()
                ? new UploadCall<>(call, upload, streams::release)
                : UploadCall.refused(call, upload, tooMany());
    }

    @Override
    public void readTree(ReadTreeRequest request, StreamObserver<ReadTreeResponse> observer) {
        stream(observer, TREE_STACK, taker -> tree.readTree(request, taker));
    }

    @Override
    public StreamObserver<WriteTreeRequest> writeTree(StreamObserver<WriteTreeResponse> observer) {
        return upload(observer, new TreeUpload());
    }

    @Override
    public void makeDirectory(MakeDirectoryRequest request, StreamObserver<MakeDirectoryResponse> observer) {
        answer(observer, () -> {
            tree.makeDirectory(request);
            return MakeDirectoryResponse.getDefaultInstance();
        });
    }

    @Override
    public void makeSymbolicLink(MakeSymbolicLinkRequest request, StreamObserver<MakeSymbolicLinkResponse> observer) {
        answer(observer, () -> {
            tree.makeSymbolicLink(request);
            return MakeSymbolicLinkResponse.getDefaultInstance();
        });
    }

    @Override
    public void removeFile(RemoveFileRequest request, StreamObserver<RemoveFileResponse> observer) {
        answer(observer, () -> {
            tree.remove(request.getPath().toByteArray(), request.getRecursive());
            return RemoveFileResponse.getDefaultInstance();
        });
    }

    @Override
    public void renameFile(RenameFileRequest request, StreamObserver<RenameFileResponse> observer) {
        answer(observer, () -> {
            tree.rename(request);
            return RenameFileResponse.getDefaultInstance();
        });
    }

    @Override
    public void setFileAttributes(
            SetFileAttributesRequest request, StreamObserver<SetFileAttributesResponse> observer) {
        answer(
                observer,
                () -> SetFileAttributesResponse.newBuilder()
                        .setInfo(tree.setAttributes(request))
                        .build());
    }

    /** A file that is written. */
    private final class FileUpload implements UploadCall.Upload<WriteFileRequest, WriteFileResponse> {
        private @Nullable FileWrite write;

        @Override
        public void take(WriteFileRequest request) throws Errno {
            FileWrite begun = write;
            if (request.hasStart() != (begun == null)) {
                throw new IllegalArgumentException("request: 'start' comes first, and only then");
            }
            switch (request.getPieceCase()) {
                case START -> write = tree.write(request.getStart());
                case DATA -> Objects.requireNonNull(begun).data(request.getData());
                case HOLE_BYTES -> Objects.requireNonNull(begun).hole(request.getHoleBytes());
                case PIECE_NOT_SET ->
                    throw new IllegalArgumentException("request: empty (expected: data or hole_bytes)");
            }
        }

        @Override
        public WriteFileResponse finish() throws Errno {
            FileWrite whole = write;
            if (whole == null) {
                throw new IllegalArgumentException("request: none (expected: 'start')");
            }
            return WriteFileResponse.newBuilder().setInfo(whole.finish()).build();
        }

        @Override
        public WriteFileResponse failed(WriteFileFailure failure) {
            return WriteFileResponse.newBuilder().setFailure(failure).build();
        }

        @Override
        public void close() {
            if (write != null) {
                write.close();
            }
        }
    }

    /** Files that are made below a directory. */
    private final class TreeUpload implements UploadCall.Upload<WriteTreeRequest, WriteTreeResponse> {
        private @Nullable TreeWrite write;

        @Override
        public void take(WriteTreeRequest request) throws Errno {
            if (request.hasStart() != (write == null)) {
                throw new IllegalArgumentException("request: 'start' comes first, and only then");
            }
            if (request.hasStart()) {
                write = tree.writeTree(request.getStart());
            }
            for (TreePiece piece : request.getPiecesList()) {
                Objects.requireNonNull(write).piece(piece);
            }
        }

        @Override
        public WriteTreeResponse finish() throws Errno {
            TreeWrite whole = write;
            if (whole == null) {
                throw new IllegalArgumentException("request: none (expected: 'start')");
            }
            whole.finish();
            return WriteTreeResponse.getDefaultInstance();
        }

        @Override
        public WriteTreeResponse failed(WriteFileFailure failure) {
            return WriteTreeResponse.newBuilder().setFailure(failure).build();
        }

        @Override
        public void close() {
            if (write != null) {
                write.close();
            }
        }
    }
}
