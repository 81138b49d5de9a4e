package org.barchan.host.api;

import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.OutputStream;
import org.barchan.host.lifecycle.SandboxFiles;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileServiceGrpc;
import org.barchan.v1.ListDirectoryRequest;
import org.barchan.v1.ListDirectoryResponse;
import org.barchan.v1.MakeDirectoryRequest;
import org.barchan.v1.MakeDirectoryResponse;
import org.barchan.v1.MakeSymbolicLinkRequest;
import org.barchan.v1.MakeSymbolicLinkResponse;
import org.barchan.v1.ReadArchiveRequest;
import org.barchan.v1.ReadArchiveResponse;
import org.barchan.v1.ReadFileRequest;
import org.barchan.v1.ReadFileResponse;
import org.barchan.v1.RemoveFileRequest;
import org.barchan.v1.RemoveFileResponse;
import org.barchan.v1.RenameFileRequest;
import org.barchan.v1.RenameFileResponse;
import org.barchan.v1.SetFileAttributesRequest;
import org.barchan.v1.SetFileAttributesResponse;
import org.barchan.v1.StatFileRequest;
import org.barchan.v1.StatFileResponse;
import org.barchan.v1.WriteArchiveRequest;
import org.barchan.v1.WriteArchiveResponse;
import org.barchan.v1.WriteArchiveStart;
import org.barchan.v1.WriteFileRequest;
import org.barchan.v1.WriteFileResponse;
import org.barchan.v1.WriteFileStart;
import org.jspecify.annotations.Nullable;

/** {@code FileService}. */
final class FileEndpoint extends FileServiceGrpc.FileServiceImplBase {
    private final SandboxFiles files;

    FileEndpoint(SandboxFiles files) {
        this.files = files;
    }

    @Override
    public void statFile(StatFileRequest request, StreamObserver<StatFileResponse> responses) {
        Answer.to(responses, () -> {
            StatFileRequest checked = request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .build();
            return StatFileResponse.newBuilder().setInfo(files.stat(checked)).build();
        });
    }

    @Override
    public void listDirectory(ListDirectoryRequest request, StreamObserver<ListDirectoryResponse> responses) {
        PacedResponses.answer(responses, paced -> {
            ListDirectoryRequest checked = request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .build();
            files.list(checked, paced::send);
        });
    }

    @Override
    public void readFile(ReadFileRequest request, StreamObserver<ReadFileResponse> responses) {
        PacedResponses.answer(responses, paced -> {
            var _ = FileParser.bytes("offset", request.getOffset());
            var _ = FileParser.bytes("length_bytes", request.getLengthBytes());
            ReadFileRequest checked = request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .build();
            files.read(checked, paced::send);
        });
    }

    @Override
    public StreamObserver<WriteFileRequest> writeFile(StreamObserver<WriteFileResponse> responses) {
        return PacedRequests.answer(responses, this::write);
    }

    private WriteFileResponse write(PacedRequests<WriteFileRequest, WriteFileResponse> requests)
            throws SandboxException, InterruptedException, IOException {
        WriteFileRequest first = requests.next();
        if (first == null || !first.hasStart()) {
            throw FileParser.invalid("start", "missing (expected: first)");
        }
        WriteFileStart start = first.getStart();
        WriteFileStart checked = start.toBuilder()
                .setPath(FileParser.path("start.path", start.getPath()))
                .setAttributes(FileParser.attributes("start.attributes", start.getAttributes()))
                .build();
        return WriteFileResponse.newBuilder()
                .setInfo(files.write(checked, () -> piece(requests.next())))
                .build();
    }

    private static @Nullable WriteFileRequest piece(@Nullable WriteFileRequest request) throws SandboxException {
        return request == null ? null : FileParser.piece(request);
    }

    @Override
    public void makeDirectory(MakeDirectoryRequest request, StreamObserver<MakeDirectoryResponse> responses) {
        Answer.to(responses, () -> {
            files.makeDirectory(request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .setAttributes(FileParser.attributes("attributes", request.getAttributes()))
                    .build());
            return MakeDirectoryResponse.getDefaultInstance();
        });
    }

    @Override
    public void makeSymbolicLink(MakeSymbolicLinkRequest request, StreamObserver<MakeSymbolicLinkResponse> responses) {
        Answer.to(responses, () -> {
            files.makeSymbolicLink(request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .setTarget(FileParser.target(request.getTarget()))
                    .setAttributes(FileParser.attributes("attributes", request.getAttributes()))
                    .build());
            return MakeSymbolicLinkResponse.getDefaultInstance();
        });
    }

    @Override
    public void removeFile(RemoveFileRequest request, StreamObserver<RemoveFileResponse> responses) {
        Answer.to(responses, () -> {
            files.remove(request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .build());
            return RemoveFileResponse.getDefaultInstance();
        });
    }

    @Override
    public void renameFile(RenameFileRequest request, StreamObserver<RenameFileResponse> responses) {
        Answer.to(responses, () -> {
            files.rename(request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .setNewPath(FileParser.path("new_path", request.getNewPath()))
                    .build());
            return RenameFileResponse.getDefaultInstance();
        });
    }

    @Override
    public void setFileAttributes(
            SetFileAttributesRequest request, StreamObserver<SetFileAttributesResponse> responses) {
        Answer.to(responses, () -> {
            SetFileAttributesRequest checked = request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .setAttributes(FileParser.attributes("attributes", request.getAttributes()))
                    .build();
            return SetFileAttributesResponse.newBuilder()
                    .setInfo(files.setAttributes(checked))
                    .build();
        });
    }

    @Override
    public void readArchive(ReadArchiveRequest request, StreamObserver<ReadArchiveResponse> responses) {
        PacedResponses.answer(responses, paced -> {
            ReadArchiveRequest checked = request.toBuilder()
                    .setPath(FileParser.path("path", request.getPath()))
                    .build();
            files.readArchive(
                    checked,
                    data -> paced.send(
                            ReadArchiveResponse.newBuilder().setData(data).build()));
        });
    }

    @Override
    public StreamObserver<WriteArchiveRequest> writeArchive(StreamObserver<WriteArchiveResponse> responses) {
        return PacedRequests.answer(responses, this::writeArchive);
    }

    private WriteArchiveResponse writeArchive(PacedRequests<WriteArchiveRequest, WriteArchiveResponse> requests)
            throws SandboxException, InterruptedException, IOException {
        WriteArchiveRequest first = requests.next();
        if (first == null || !first.hasStart()) {
            throw FileParser.invalid("start", "missing (expected: first)");
        }
        WriteArchiveStart start = first.getStart();
        WriteArchiveStart checked = start.toBuilder()
                .setDirectory(FileParser.path("start.directory", start.getDirectory()))
                .build();
        ArchiveInput archive = new ArchiveInput(requests);
        try {
            WriteArchiveResponse response = files.writeArchive(checked, archive);
            // Whoever makes the archive may go on behind its end, and is not to find nobody there.
            var _ = archive.transferTo(OutputStream.nullOutputStream());
            return response;
        } catch (IOException e) {
            archive.check();
            throw e;
        }
    }
}
