package org.barchan.host.adapter.archive;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.barchan.host.port.ChangeArchives;
import org.barchan.host.port.ChangeTaker;
import org.barchan.host.port.Guest;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Change;
import org.barchan.v1.ChangeKind;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;

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
    }

    private static final class Tar implements ChangeTaker {
        private final TarOutput tar;

        Tar(OutputStream out) {
            tar = new TarOutput(out);
        }

        @Override
        public void change(Change change) throws IOException {
            String name = change.getPath().toString(StandardCharsets.ISO_8859_1).substring(1);
            if (change.getKind() == ChangeKind.CHANGE_KIND_DELETED) {
                int slash = name.lastIndexOf('/') + 1;
                tar.empty(name.substring(0, slash) + WHITEOUT + name.substring(slash));
                return;
            }
            if (name.isEmpty()) {
                name = ".";
            }
            tar.file(name, info(change));
            if (change.getType() == FileType.FILE_TYPE_DIRECTORY && change.getReplaced()) {
                tar.empty(name + "/" + OPAQUE);
            }
        }

        private static FileInfo info(Change change) {
            return FileInfo.newBuilder()
                    .setType(change.getType())
                    .setMode(change.getMode())
                    .setUid(change.getUid())
                    .setGid(change.getGid())
                    .setSizeBytes(change.getSizeBytes())
                    .setModifyTime(change.getModifyTime())
                    .setLinkTarget(change.getLinkTarget())
                    .setDeviceMajor(change.getDeviceMajor())
                    .setDeviceMinor(change.getDeviceMinor())
                    .build();
        }

        @Override
        public void data(ByteString data) throws IOException {
            tar.data(data);
        }

        void finish() throws IOException {
            tar.finish();
        }
    }
}
