package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.barchan.host.port.GuestFiles;
import org.barchan.host.port.TreeArchives;
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
import org.barchan.v1.WriteArchiveResponse;
import org.barchan.v1.WriteArchiveStart;
import org.barchan.v1.WriteFileStart;

/**
 * The files of all sandboxes that run. Safe for use by many threads.
 *
 * <p>All methods throw {@code NOT_FOUND} when there is no such sandbox, {@code PRECONDITION} when it does not run, and what its guest says. Requests
 * have been checked.
 */
public final class SandboxFiles {
    private static final ByteString HERE = ByteString.copyFromUtf8(".");

    private final Guests guests;
    private final TreeArchives archives;

    SandboxFiles(Guests guests, TreeArchives archives) {
        this.guests = guests;
        this.archives = archives;
    }

    /** The files of a sandbox that is in use until this is closed. */
    record Opened(GuestFiles files, Lifespan.Use use) implements AutoCloseable {
        @Override
        public void close() {
            use.close();
        }
    }

    /** Finds the files of a sandbox. */
    @FunctionalInterface
    interface Guests {
        Opened of(String idOrName) throws SandboxException, InterruptedException;
    }

    public FileInfo stat(StatFileRequest request) throws SandboxException, InterruptedException {
        try (Opened sandbox = guests.of(request.getSandbox())) {
            return sandbox.files().stat(request);
        }
    }

    /** @throws IOException what the taker throws */
    public void list(ListDirectoryRequest request, GuestFiles.Taker<ListDirectoryResponse> taker)
            throws SandboxException, InterruptedException, IOException {
        try (Opened sandbox = guests.of(request.getSandbox())) {
            sandbox.files().list(request, taker);
        }
    }

    /** @throws IOException what the taker throws */
    public void read(ReadFileRequest request, GuestFiles.Taker<ReadFileResponse> taker)
            throws SandboxException, InterruptedException, IOException {
        try (Opened sandbox = guests.of(request.getSandbox())) {
            sandbox.files().read(request, taker);
        }
    }

    /** @throws IOException what the source throws */
    public FileInfo write(WriteFileStart start, GuestFiles.Source source)
            throws SandboxException, InterruptedException, IOException {
        try (Opened sandbox = guests.of(start.getSandbox())) {
            return sandbox.files().write(start, source);
        }
    }

    public void makeDirectory(MakeDirectoryRequest request) throws SandboxException, InterruptedException {
        try (Opened sandbox = guests.of(request.getSandbox())) {
            sandbox.files().makeDirectory(request);
        }
    }

    public void makeSymbolicLink(MakeSymbolicLinkRequest request) throws SandboxException, InterruptedException {
        try (Opened sandbox = guests.of(request.getSandbox())) {
            sandbox.files().makeSymbolicLink(request);
        }
    }

    public void remove(RemoveFileRequest request) throws SandboxException, InterruptedException {
        try (Opened sandbox = guests.of(request.getSandbox())) {
            sandbox.files().remove(request);
        }
    }

    public void rename(RenameFileRequest request) throws SandboxException, InterruptedException {
        try (Opened sandbox = guests.of(request.getSandbox())) {
            sandbox.files().rename(request);
        }
    }

    public FileInfo setAttributes(SetFileAttributesRequest request) throws SandboxException, InterruptedException {
        try (Opened sandbox = guests.of(request.getSandbox())) {
            return sandbox.files().setAttributes(request);
        }
    }

    /** @throws IOException what the taker throws */
    public void readArchive(ReadArchiveRequest request, ChunkedOutput.Taker taker)
            throws SandboxException, InterruptedException, IOException {
        String path = request.getPath().toString(StandardCharsets.ISO_8859_1);
        ByteString name = request.getPath().substring(path.lastIndexOf('/') + 1);
        try (Opened sandbox = guests.of(request.getSandbox())) {
            archives.write(
                    tree -> sandbox.files().readTree(request, tree),
                    request.getContents() || name.isEmpty() ? HERE : name,
                    new ChunkedOutput(taker));
        }
    }

    /** @throws IOException what the archive throws */
    public WriteArchiveResponse writeArchive(WriteArchiveStart start, InputStream archive)
            throws SandboxException, InterruptedException, IOException {
        WriteArchiveResponse.Builder response = WriteArchiveResponse.newBuilder();
        try (Opened sandbox = guests.of(start.getSandbox())) {
            sandbox.files().writeTree(start, taker -> {
                TreeArchives.Reading reading = archives.read(archive, taker);
                response.setEntryCount(reading.taken())
                        .setSkippedCount(reading.skipped())
                        .addAllSkippedNames(reading.names());
            });
        }
        return response.build();
    }
}
