package org.barchan.host.port;

import java.io.IOException;
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
import org.jspecify.annotations.Nullable;

/**
 * The files of a sandbox, reached by its guest. Safe for use by many threads; calls block. Requests are checked by the caller, and which
 * sandbox they name is not looked at; what the guest answers is checked here.
 *
 * <p>All methods throw what the guest says, with the path, and {@code LOST} when it sends what no honest one does.
 */
public interface GuestFiles {
    FileInfo stat(StatFileRequest request) throws SandboxException, InterruptedException;

    /** Takes what comes of a call, one after the other. */
    @FunctionalInterface
    interface Taker<R> {
        /** @throws IOException when it can't be taken: nothing more is read */
        void take(R response) throws IOException, InterruptedException;
    }

    /** @throws IOException what the taker throws */
    void list(ListDirectoryRequest request, Taker<ListDirectoryResponse> taker)
            throws SandboxException, InterruptedException, IOException;

    /** @throws IOException what the taker throws */
    void read(ReadFileRequest request, Taker<ReadFileResponse> taker)
            throws SandboxException, InterruptedException, IOException;

    /** What is to be written. */
    @FunctionalInterface
    interface Source {
        /**
         * Returns the next data or hole, or null behind the last one; blocks until it is there.
         *
         * @throws IOException when there is no more, though this is not the end: the file is left as it was
         */
        @Nullable WriteFileRequest next() throws SandboxException, IOException, InterruptedException;
    }

    /** @throws IOException what the source throws */
    FileInfo write(WriteFileStart start, Source source) throws SandboxException, InterruptedException, IOException;

    void makeDirectory(MakeDirectoryRequest request) throws SandboxException, InterruptedException;

    void makeSymbolicLink(MakeSymbolicLinkRequest request) throws SandboxException, InterruptedException;

    void remove(RemoveFileRequest request) throws SandboxException, InterruptedException;

    void rename(RenameFileRequest request) throws SandboxException, InterruptedException;

    FileInfo setAttributes(SetFileAttributesRequest request) throws SandboxException, InterruptedException;

    /**
     * Reads a file, or a directory with all that is in it.
     *
     * @throws IOException what the taker throws
     */
    void readTree(ReadArchiveRequest request, TreeTaker taker)
            throws SandboxException, InterruptedException, IOException;

    /**
     * Makes files below a directory.
     *
     * @throws IOException what the tree throws
     */
    void writeTree(WriteArchiveStart start, TreeArchives.Tree tree)
            throws SandboxException, InterruptedException, IOException;
}
