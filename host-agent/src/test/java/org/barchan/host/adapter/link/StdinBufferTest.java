package org.barchan.host.adapter.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import org.barchan.guest.v1.StdinData;
import org.barchan.guest.v1.StdinWindow;
import org.junit.jupiter.api.Test;

final class StdinBufferTest {
    private static final int LIMIT = 64 << 10;

    private final StdinBuffer buffer = new StdinBuffer();

    @Test
    void add_byteByByteBeforeItIsSent_goesInAFewMessages() {
        open();
        add(LIMIT);

        int messages = 0;
        long offset = 0;
        while (buffer.hasNext()) {
            StdinData data = buffer.next();
            assertEquals(offset, data.getOffset());
            assertEquals((byte) offset, data.getData().byteAt(0));
            offset += data.getData().size();
            messages++;
        }
        assertEquals(LIMIT, offset);
        assertTrue(messages <= LIMIT / 4096, messages + " messages");
    }

    @Test
    void add_behindWhatWasSent_isSentOnce() {
        open();
        add(1);
        assertEquals(ByteString.copyFrom(new byte[] {0}), buffer.next().getData());
        buffer.add(ByteString.copyFrom(new byte[] {1, 2}));

        StdinData rest = buffer.next();

        assertEquals(1, rest.getOffset());
        assertEquals(ByteString.copyFrom(new byte[] {1, 2}), rest.getData());
        assertFalse(buffer.hasNext());
    }

    @Test
    void update_afterALossInTheMiddle_sendsTheRestAgain() {
        open();
        add(3);
        var _ = buffer.next();

        assertTrue(buffer.update(
                StdinWindow.newBuilder().setReceived(2).setLimit(LIMIT).build(), true));

        StdinData again = buffer.next();
        assertEquals(2, again.getOffset());
        assertEquals(ByteString.copyFrom(new byte[] {2}), again.getData());
    }

    private void open() {
        assertTrue(buffer.update(StdinWindow.newBuilder().setLimit(LIMIT).build(), true));
    }

    private void add(int bytes) {
        for (int i = 0; i < bytes; i++) {
            buffer.add(ByteString.copyFrom(new byte[] {(byte) i}));
        }
    }
}
