package org.barchan.host.adapter.link;

import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.time.Duration;
import org.barchan.guest.v1.FileServiceGrpc;
import org.barchan.guest.v1.ReadTreeRequest;
import org.barchan.guest.v1.TreePiece;
import org.barchan.guest.v1.WriteFileResponse;
import org.barchan.host.port.GuestFiles;
import org.barchan.host.port.TreeArchives;
import org.barchan.host.port.TreeTaker;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileInfo;
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
import org.barchan.v1.WriteFileStart;

/** The file service of one guest, called over its channel. */
final class NettyGuestFiles implements GuestFiles {
    private static final Duration ANSWER_TIME = Duration.ofSeconds(30);
    /** A directory with all that is in it may be large, and the guest's CPU emulated. */
    private static final Duration REMOVE_TIME = Duration.ofMinutes(10);

    private final GuestChannel channel;

    NettyGuestFiles(GuestChannel channel) {
        this.channel = channel;
    }

    private <Q, R> R call(MethodDescriptor<Q, R> method, Q request, String action)
            throws SandboxException, InterruptedException {
        return channel.call(method, request, action, ANSWER_TIME);
    }

    private FileGuard guard(String action) {
        return new FileGuard(channel.describe(action));
    }

    @Override
    public FileInfo stat(StatFileRequest request) throws SandboxException, InterruptedException {
        String action = "looking at a file";
        return guard(action)
                .info(call(
                                FileServiceGrpc.getStatFileMethod(),
                                org.barchan.guest.v1.StatFileRequest.newBuilder()
                                        .setPath(request.getPath())
                                        .setFollow(request.getFollow())
                                        .build(),
                                action)
                        .getInfo());
    }

    @Override
    public void list(ListDirectoryRequest request, Taker<ListDirectoryResponse> taker)
            throws SandboxException, InterruptedException, IOException {
        String action = "listing a directory";
        FileGuard guard = guard(action);
        var guestRequest = org.barchan.guest.v1.ListDirectoryRequest.newBuilder()
                .setPath(request.getPath())
                .build();
        try (var stream = channel.stream(FileServiceGrpc.getListDirectoryMethod(), guestRequest, action)) {
            for (var some = stream.next(); some != null; some = stream.next()) {
                taker.take(guard.entries(some.getEntriesList()));
            }
        }
    }

    @Override
    public void read(ReadFileRequest request, Taker<ReadFileResponse> taker)
            throws SandboxException, InterruptedException, IOException {
        String action = "reading a file";
        FileGuard guard = guard(action);
        var guestRequest = org.barchan.guest.v1.ReadFileRequest.newBuilder()
                .setPath(request.getPath())
                .setOffset(request.getOffset());
        if (request.hasLengthBytes()) {
            guestRequest.setLengthBytes(request.getLengthBytes());
        }
        long left = request.hasLengthBytes() ? request.getLengthBytes() : Long.MAX_VALUE - request.getOffset();
        try (var stream = channel.stream(FileServiceGrpc.getReadFileMethod(), guestRequest.build(), action)) {
            boolean first = true;
            for (var piece = stream.next(); piece != null; piece = stream.next()) {
                ReadFileResponse checked = guard.piece(piece, first, left);
                left -= checked.hasHoleBytes()
                        ? checked.getHoleBytes()
                        : checked.getData().size();
                first = false;
                taker.take(checked);
            }
            guard.end(first);
        }
    }

    @Override
    public FileInfo write(WriteFileStart start, Source source)
            throws SandboxException, InterruptedException, IOException {
        String action = "writing a file";
        var guestStart = org.barchan.guest.v1.WriteFileStart.newBuilder()
                .setPath(start.getPath())
                .setAttributes(start.getAttributes())
                .setSync(start.getSync());
        try (var upload = new GuestUpload<>(channel, FileServiceGrpc.getWriteFileMethod(), action)) {
            var early = upload.send(org.barchan.guest.v1.WriteFileRequest.newBuilder()
                    .setStart(guestStart)
                    .build());
            while (early.isEmpty()) {
                WriteFileRequest piece = source.next();
                if (piece == null) {
                    return written(action, upload.finish());
                }
                var next = org.barchan.guest.v1.WriteFileRequest.newBuilder();
                if (piece.hasHoleBytes()) {
                    next.setHoleBytes(piece.getHoleBytes());
                } else {
                    next.setData(piece.getData());
                }
                early = upload.send(next.build());
            }
            if (early.get().hasInfo()) {
                throw CheckedMessages.bad(channel.describe(action), "an answer before it had all of the file");
            }
            return written(action, early.get());
        }
    }

    private FileInfo written(String action, WriteFileResponse response) throws SandboxException {
        if (response.hasInfo()) {
            return guard(action).info(response.getInfo());
        }
        throw GuestErrors.of(channel.describe(action), response.getFailure());
    }

    @Override
    public void makeDirectory(MakeDirectoryRequest request) throws SandboxException, InterruptedException {
        call(
                FileServiceGrpc.getMakeDirectoryMethod(),
                org.barchan.guest.v1.MakeDirectoryRequest.newBuilder()
                        .setPath(request.getPath())
                        .setParents(request.getParents())
                        .setAttributes(request.getAttributes())
                        .build(),
                "making a directory");
    }

    @Override
    public void makeSymbolicLink(MakeSymbolicLinkRequest request) throws SandboxException, InterruptedException {
        call(
                FileServiceGrpc.getMakeSymbolicLinkMethod(),
                org.barchan.guest.v1.MakeSymbolicLinkRequest.newBuilder()
                        .setPath(request.getPath())
                        .setTarget(request.getTarget())
                        .setReplace(request.getReplace())
                        .setAttributes(request.getAttributes())
                        .build(),
                "making a symbolic link");
    }

    @Override
    public void remove(RemoveFileRequest request) throws SandboxException, InterruptedException {
        channel.call(
                FileServiceGrpc.getRemoveFileMethod(),
                org.barchan.guest.v1.RemoveFileRequest.newBuilder()
                        .setPath(request.getPath())
                        .setRecursive(request.getRecursive())
                        .build(),
                "removing a file",
                request.getRecursive() ? REMOVE_TIME : ANSWER_TIME);
    }

    @Override
    public void rename(RenameFileRequest request) throws SandboxException, InterruptedException {
        call(
                FileServiceGrpc.getRenameFileMethod(),
                org.barchan.guest.v1.RenameFileRequest.newBuilder()
                        .setPath(request.getPath())
                        .setNewPath(request.getNewPath())
                        .setReplace(request.getReplace())
                        .build(),
                "renaming a file");
    }

    @Override
    public FileInfo setAttributes(SetFileAttributesRequest request) throws SandboxException, InterruptedException {
        String action = "setting attributes of a file";
        return guard(action)
                .info(call(
                                FileServiceGrpc.getSetFileAttributesMethod(),
                                org.barchan.guest.v1.SetFileAttributesRequest.newBuilder()
                                        .setPath(request.getPath())
                                        .setFollow(request.getFollow())
                                        .setAttributes(request.getAttributes())
                                        .build(),
                                action)
                        .getInfo());
    }

    @Override
    public void readTree(ReadArchiveRequest request, TreeTaker taker)
            throws SandboxException, InterruptedException, IOException {
        String action = "reading files";
        TreeGuard guard = new TreeGuard(channel.describe(action));
        ReadTreeRequest guestRequest = ReadTreeRequest.newBuilder()
                .setPath(request.getPath())
                .setFollow(request.getFollow())
                .build();
        try (var stream = channel.stream(FileServiceGrpc.getReadTreeMethod(), guestRequest, action)) {
            for (var some = stream.next(); some != null; some = stream.next()) {
                guard.message(some);
                for (TreePiece piece : some.getPiecesList()) {
                    if (piece.hasEntry()) {
                        taker.entry(guard.entry(piece.getEntry()));
                    } else {
                        taker.data(guard.data(piece.getData()));
                    }
                }
            }
            guard.end();
        }
    }

    @Override
    public void writeTree(WriteArchiveStart start, TreeArchives.Tree tree)
            throws SandboxException, InterruptedException, IOException {
        String action = "writing files";
        try (var upload = new GuestUpload<>(channel, FileServiceGrpc.getWriteTreeMethod(), action)) {
            TreeUpload taker = new TreeUpload(channel.describe(action), upload, start);
            tree.giveTo(taker);
            taker.finish();
        }
    }
}
