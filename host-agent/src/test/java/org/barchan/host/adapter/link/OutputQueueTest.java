package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.Termination;
import org.junit.jupiter.api.Test;

final class OutputQueueTest {
    private final OutputQueue queue = new OutputQueue(0, 0);

    private String add(OutputStream stream, long offset, String data) {
        return queue.add(ProcessOutput.newBuilder()
                .setStream(stream)
                .setOffset(offset)
                .setData(ByteString.copyFromUtf8(data))
                .build());
    }

    @Test
    void add_aByteOfEachStreamAtATime_makesFewEventsWithAllBytes() {
        int bytes = 500_000;
        for (int i = 0; i < bytes; i++) {
            assertEquals("", add(OutputStream.OUTPUT_STREAM_STDOUT, i, String.valueOf((char) ('a' + i % 26))));
            assertEquals("", add(OutputStream.OUTPUT_STREAM_STDERR, i, "e"));
        }

        int events = 0;
        long[] sizes = new long[2];
        while (!queue.isEmpty()) {
            queue.takePrevious();
            ProcessOutput output = queue.next().getOutput();
            int stream = output.getStream() == OutputStream.OUTPUT_STREAM_STDOUT ? 0 : 1;
            assertEquals(sizes[stream], output.getOffset());
            assertTrue(
                    output.getData().size() <= 65536,
                    "an event has " + output.getData().size() + " bytes");
            for (int i = 0; stream == 0 && i < output.getData().size(); i++) {
                assertEquals('a' + (sizes[0] + i) % 26, output.getData().byteAt(i));
            }
            sizes[stream] += output.getData().size();
            events++;
        }

        assertEquals(bytes, sizes[0]);
        assertEquals(bytes, sizes[1]);
        assertTrue(events < 100, events + " events");
    }

    @Test
    void add_littleOfBothStreams_keepsTheirOrder() {
        add(OutputStream.OUTPUT_STREAM_STDOUT, 0, "a");
        add(OutputStream.OUTPUT_STREAM_STDOUT, 1, "b");
        add(OutputStream.OUTPUT_STREAM_STDERR, 0, "x");
        add(OutputStream.OUTPUT_STREAM_STDOUT, 2, "c");

        assertEquals("ab", text(queue.next()));
        assertEquals("x", text(queue.next()));
        // What was handed out does not grow.
        add(OutputStream.OUTPUT_STREAM_STDERR, 1, "y");
        assertEquals("c", text(queue.next()));
        assertEquals("y", text(queue.next()));
        assertTrue(queue.isEmpty());
    }

    @Test
    void add_moreThanAGuestKeeps_isRefusedUntilSomeIsTaken() {
        String piece = "x".repeat(1 << 16);
        long offset = 0;
        for (; offset < 1 << 20; offset += piece.length()) {
            assertEquals("", add(OutputStream.OUTPUT_STREAM_STDOUT, offset, piece));
        }
        assertTrue(add(OutputStream.OUTPUT_STREAM_STDOUT, offset, "x").contains("not acknowledged"));

        var _ = queue.next();
        assertTrue(add(OutputStream.OUTPUT_STREAM_STDOUT, offset, "x").contains("not acknowledged"));
        queue.takePrevious();

        assertEquals("", add(OutputStream.OUTPUT_STREAM_STDOUT, offset, "x"));
    }

    @Test
    void add_theEndBeforeAllOutput_isRefused() {
        add(OutputStream.OUTPUT_STREAM_STDOUT, 0, "a");

        assertFalse(
                queue.add(Termination.newBuilder().setStdoutBytes(2).build()).isEmpty());
        assertEquals("", queue.add(Termination.newBuilder().setStdoutBytes(1).build()));
    }

    private static String text(ProcessEvent event) {
        return event.getOutput().getData().toStringUtf8();
    }
}
