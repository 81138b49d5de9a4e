package org.barchan.host.port;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.barchan.host.sandbox.SandboxException;

/** Archives of trees of files. Safe for use by many threads; what an archive says is checked. */
public interface TreeArchives {
    /** What has files. */
    @FunctionalInterface
    interface Tree {
        void giveTo(TreeTaker taker) throws SandboxException, IOException, InterruptedException;
    }

    /**
     * Writes an archive.
     *
     * @param top what the top is called in it
     * @param out stays open
     * @throws SandboxException what the tree throws; what was written by then is no whole archive
     * @throws IOException what {@code out} throws
     */
    void write(Tree tree, ByteString top, OutputStream out) throws SandboxException, IOException, InterruptedException;

    /**
     * What became of an archive.
     *
     * @param taken how many of its entries
     * @param skipped how many not, since they are of a kind that is not
     * @param names of the first 100 of those, as paths below the top, at most 4095 bytes each
     */
    record Reading(long taken, long skipped, List<ByteString> names) {
        public Reading {
            names = List.copyOf(names);
        }
    }

    /**
     * Reads an archive: directories, regular files, symbolic and hard links, under paths that lead nowhere out of the top.
     *
     * @param in read to the end of the archive
     * @throws SandboxException {@code INVALID}: it is no whole archive, or has names that can't be; and what the taker throws
     * @throws IOException what {@code in} throws
     */
    Reading read(InputStream in, TreeTaker taker) throws SandboxException, IOException, InterruptedException;
}
