package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.barchan.host.port.ChangeArchives;
import org.barchan.host.port.ChangeTaker;
import org.barchan.host.port.Guest;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Change;
import org.barchan.v1.ChangeKind;

/**
 * Tar archives as layers of OCI images have them: see
 * <a href="https://github.com/opencontainers/image-spec/blob/main/layer.md">the specification of image layers</a>.
 */
public final class TarArchives implements ChangeArchives {
    private static final String WHITEOUT = ".wh.";
    private static final String OPAQUE = ".wh..wh..opq";

    @Override
    public void write(Guest guest, OutputStream out) throws SandboxException, InterruptedException, IOException {
        Tar tar = new Tar(out);
        guest.readChanges(true, tar);
        tar.finish();
        // The library keeps that to itself.
        out.flush();
    }

    private static final class Tar implements ChangeTaker {
        private final TarArchiveOutputStream tar;
        private long left;

        Tar(OutputStream out) {
            // Names are bytes; each is a character here.
            tar = new TarArchiveOutputStream(out, StandardCharsets.ISO_8859_1.name());
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
            tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        }

        @Override
        public void change(Change change) throws IOException {
            String name = change.getPath().toString(StandardCharsets.ISO_8859_1).substring(1);
            if (change.getKind() == ChangeKind.CHANGE_KIND_DELETED) {
                int slash = name.lastIndexOf('/') + 1;
                empty(name.substring(0, slash) + WHITEOUT + name.substring(slash));
                return;
            }
            switch (change.getType()) {
                case FILE_TYPE_REGULAR -> {
                    TarArchiveEntry entry = entry(change, name, TarConstants.LF_NORMAL);
                    entry.setSize(change.getSizeBytes());
                    tar.putArchiveEntry(entry);
                    left = change.getSizeBytes();
                    endIfWhole();
                }
                case FILE_TYPE_DIRECTORY -> {
                    String directory = name.isEmpty() ? "./" : name + "/";
                    put(entry(change, directory, TarConstants.LF_DIR));
                    if (change.getReplaced()) {
                        empty(directory + OPAQUE);
                    }
                }
                case FILE_TYPE_SYMLINK -> {
                    TarArchiveEntry entry = entry(change, name, TarConstants.LF_SYMLINK);
                    entry.setLinkName(change.getLinkTarget().toString(StandardCharsets.ISO_8859_1));
                    put(entry);
                }
                case FILE_TYPE_FIFO -> put(entry(change, name, TarConstants.LF_FIFO));
                case FILE_TYPE_CHARACTER_DEVICE -> put(device(change, name, TarConstants.LF_CHR));
                case FILE_TYPE_BLOCK_DEVICE -> put(device(change, name, TarConstants.LF_BLK));
                case FILE_TYPE_SOCKET, FILE_TYPE_UNSPECIFIED, UNRECOGNIZED -> {
                    // tar knows no sockets; who made one makes it again.
                }
            }
        }

        private static TarArchiveEntry device(Change change, String name, byte type) {
            TarArchiveEntry entry = entry(change, name, type);
            entry.setDevMajor(change.getDeviceMajor());
            entry.setDevMinor(change.getDeviceMinor());
            return entry;
        }

        private static TarArchiveEntry entry(Change change, String name, byte type) {
            TarArchiveEntry entry = new TarArchiveEntry(name, type, true);
            entry.setMode(change.getMode());
            entry.setUserId(Integer.toUnsignedLong(change.getUid()));
            entry.setGroupId(Integer.toUnsignedLong(change.getGid()));
            Timestamp time = change.getModifyTime();
            entry.setLastModifiedTime(FileTime.from(Instant.ofEpochSecond(time.getSeconds())));
            return entry;
        }

        private void empty(String name) throws IOException {
            TarArchiveEntry entry = new TarArchiveEntry(name, TarConstants.LF_NORMAL, true);
            entry.setLastModifiedTime(FileTime.from(Instant.EPOCH));
            put(entry);
        }

        private void put(TarArchiveEntry entry) throws IOException {
            tar.putArchiveEntry(entry);
            tar.closeArchiveEntry();
        }

        @Override
        public void data(ByteString data) throws IOException {
            data.writeTo(tar);
            left -= data.size();
            endIfWhole();
        }

        private void endIfWhole() throws IOException {
            if (left == 0) {
                tar.closeArchiveEntry();
            }
        }

        void finish() throws IOException {
            tar.finish();
        }
    }
}
