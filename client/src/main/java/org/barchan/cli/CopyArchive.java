package org.barchan.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.barchan.client.BarchanException;
import org.barchan.client.SandboxFiles;
import org.barchan.client.UnpackedArchive;

/** Copies files of a sandbox as a tar archive to standard output, or from standard input. Owned by one thread. */
final class CopyArchive {
    private final SandboxFiles files;
    private final CopyReport report;

    CopyArchive(SandboxFiles files, CopyReport report) {
        this.files = files;
        this.report = report;
    }

    /** @param owners whether what is unpacked gets those that the archive has */
    void copy(CopyPath from, CopyPath to, boolean follow, boolean owners) throws BarchanException, IOException {
        if (from.sandbox().isPresent()) {
            files.readArchive(from.path(), follow || from.directory(), from.contents(), new Output(report));
            return;
        }
        UnpackedArchive unpacked = files.writeArchive(to.path(), owners, new Input(report));
        for (String name : unpacked.skippedNames()) {
            report.failed(name, "is a special file");
        }
        long others = unpacked.skipped() - unpacked.skippedNames().size();
        if (others > 0) {
            report.failed(others + " more", "are special files");
        }
    }

    private static final class Output extends OutputStream {
        private final CopyReport report;

        Output(CopyReport report) {
            this.report = report;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            StandardFiles.STDOUT.write(ByteBuffer.wrap(bytes, offset, length));
            report.copied(length);
        }
    }

    private static final class Input extends InputStream {
        private final CopyReport report;

        Input(CopyReport report) {
            this.report = report;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            byte[] some = new byte[length];
            int n = StandardFiles.readStdin(some);
            if (n > 0) {
                System.arraycopy(some, 0, bytes, offset, n);
                report.copied(n);
            }
            return n;
        }
    }
}
