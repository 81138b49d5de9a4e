package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.barchan.client.BarchanException;
import org.junit.jupiter.api.Test;

/** What a verb makes of standard output that can't be written. */
final class LostOutputTest {
    /** Returns what the output of a verb would be that is led to a file. */
    private static StandardFiles.Output outputTo(String file, FileDescriptor descriptor) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            List<Path> numbers = all.filter(number -> leadsTo(number, file)).toList();
            return new StandardFiles.Output(
                    Integer.parseInt(numbers.getFirst().getFileName().toString()), descriptor);
        }
    }

    private static boolean leadsTo(Path number, String file) {
        try {
            return Files.readSymbolicLink(number).toString().startsWith(file);
        } catch (IOException e) {
            // It was closed meanwhile.
            return false;
        }
    }

    @Test
    void fullDisk_isAnError_thatSaysWhy() throws Exception {
        try (FileOutputStream full = new FileOutputStream("/dev/full")) {
            StandardFiles.Output output = outputTo("/dev/full", full.getFD());
            IOException lost = assertThrows(IOException.class, () -> output.write(ByteBuffer.wrap(new byte[1])));
            BarchanException error = assertThrows(BarchanException.class, () -> Messages.statusOfLost(output, lost));

            assertEquals(BarchanException.Code.PRECONDITION, error.code());
            assertEquals("can't write to standard output: No space left on device", error.getMessage());
        }
    }
}
