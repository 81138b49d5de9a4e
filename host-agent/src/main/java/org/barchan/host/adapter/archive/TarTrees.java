package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.barchan.host.port.TreeArchives;
import org.barchan.host.port.TreeEntry;
import org.barchan.host.port.TreeTaker;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;

/** Tar archives of trees of files. */
public final class TarTrees implements TreeArchives {
    private static final int CHUNK = 64 * 1024;
    private static final int MAX_NAMES = 100;

    @Override
    public void write(Tree tree, ByteString top, OutputStream out)
            throws SandboxException, IOException, InterruptedException {
        Packing packing = new Packing(new TarOutput(out), top.toString(StandardCharsets.ISO_8859_1));
        tree.giveTo(packing);
        packing.tar.finish();
    }

    private record Packing(TarOutput tar, String top) implements TreeTaker {
        @Override
        public void entry(TreeEntry entry) throws IOException {
            String name = name(entry.path());
            Optional<List<TreeEntry.Extent>> extents = entry.extents();
            if (!entry.hardLink().isEmpty()) {
                tar.hardLink(name, entry.info(), name(entry.hardLink()));
            } else if (extents.isPresent()) {
                tar.sparse(name, entry.info(), extents.get());
            } else {
                tar.file(name, entry.info());
            }
        }

        private String name(ByteString path) {
            return path.isEmpty() ? top : top + "/" + path.toString(StandardCharsets.ISO_8859_1);
        }

        @Override
        public void data(ByteString data) throws IOException {
            tar.data(data);
        }
    }

    @Override
    public Reading read(InputStream in, TreeTaker taker) throws SandboxException, IOException, InterruptedException {
        TarReader tar = new TarReader(in);
        long taken = 0;
        long skipped = 0;
        List<ByteString> names = new ArrayList<>();
        for (Optional<TarHeader> next = tar.next(); next.isPresent(); next = tar.next()) {
            TarHeader header = next.get();
            // Also of what is left out: the names are kept.
            ByteString path = TarPath.below(header.name());
            if (header.type() == FileType.FILE_TYPE_UNSPECIFIED) {
                skipped++;
                if (names.size() < MAX_NAMES) {
                    names.add(path);
                }
                tar.skip();
                continue;
            }
            if (!path.isEmpty()) {
                copy(tar, header, path, taker);
                taken++;
            } else if (header.type() != FileType.FILE_TYPE_DIRECTORY) {
                throw TarReader.bad("an entry without a name");
            }
        }
        return new Reading(taken, skipped, names);
    }

    private static void copy(TarReader tar, TarHeader header, ByteString path, TreeTaker taker)
            throws SandboxException, IOException, InterruptedException {
        FileInfo.Builder info = FileInfo.newBuilder()
                .setType(header.type())
                .setMode(header.mode())
                .setUid(header.uid())
                .setGid(header.gid())
                .setModifyTime(header.modifyTime());
        if (header.type() == FileType.FILE_TYPE_SYMLINK) {
            info.setLinkTarget(header.linkName());
        }
        boolean hardLink = header.isHardLink();
        if (header.type() == FileType.FILE_TYPE_REGULAR && !hardLink) {
            info.setSizeBytes(header.size());
        }
        taker.entry(new TreeEntry(
                path,
                info.build(),
                hardLink ? TarPath.below(header.linkName()) : ByteString.EMPTY,
                hardLink ? Optional.empty() : header.extents()));
        byte[] chunk = new byte[Math.clamp(header.size(), 1, CHUNK)];
        for (int n = tar.read(chunk); n > 0; n = tar.read(chunk)) {
            if (Thread.interrupted()) {
                // What is filled of holes needs nobody who sends it, and the taker need not wait.
                throw new InterruptedException();
            }
            taker.data(ByteString.copyFrom(chunk, 0, n));
        }
    }
}
