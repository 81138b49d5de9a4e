package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import org.junit.jupiter.api.Test;

class DatagramQueueTest {
    private final DatagramQueue queue = new DatagramQueue();

    private void offer(int size) {
        queue.offer(ByteString.copyFrom(new byte[size]));
    }

    private int next() throws InterruptedException {
        return queue.poll(0).orElseThrow().size();
    }

    @Test
    void whatThereIsNoRoomFor_isLost_theRestKeepsItsOrder() throws Exception {
        offer(3);
        offer(65507);
        offer(65507);
        offer(0);
        offer(DatagramQueue.MAX_BYTES - 65510);
        offer(1);
        assertEquals(3, next());
        offer(2);
        assertEquals(65507, next());
        assertEquals(0, next());
        assertEquals(DatagramQueue.MAX_BYTES - 65510, next());
        assertEquals(2, next());
        assertTrue(queue.poll(1).isEmpty());
    }

    @Test
    void emptyOnes_areBounded() throws Exception {
        for (int i = 0; i <= DatagramQueue.MAX_DATAGRAMS; i++) {
            offer(0);
        }
        for (int i = 0; i < DatagramQueue.MAX_DATAGRAMS; i++) {
            assertEquals(0, next());
        }
        assertTrue(queue.poll(0).isEmpty());
    }
}
