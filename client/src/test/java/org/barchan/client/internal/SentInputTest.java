package org.barchan.client.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class SentInputTest {
    private final SentInput sent = new SentInput();

    @Test
    void nothingWasSent_nothingIsSentAgain() {
        assertEquals("", again(0, 0));
        assertEquals("", again(100, 90));
        add("abc");
        assertEquals("abc", again(100, 100), "it comes behind what others had written");
    }

    @Test
    void whatTheNextAgentLacks_isSentAgain_andNoMore() {
        add("abc", "def", "ghi");
        assertEquals("efghi", again(4, 4));
        assertEquals("efghi", again(4, 4), "the one after that lacks the same");
        sent.drop(6);
        assertEquals("hi", again(7, 7));
        add("jkl");
        assertEquals("ijkl", again(8, 8));
        assertEquals("", again(12, 12));
    }

    @Test
    void whatTheSameAgentHasTaken_isKept_untilTheSandboxHasIt() {
        add("abc", "def");
        assertEquals("f", again(5, 1));
        assertEquals("cdef", again(2, 2), "that agent has gone with it");
    }

    @Test
    void whereOthersHaveWritten_nothingIsSentAgain() {
        add("abc");
        assertEquals("", again(10, 3));
        add("d");
        assertEquals("d", again(10, 10));
    }

    @Test
    void whereNobodyTakesAnyMore_nothingIsKept() {
        add("abc");
        assertEquals(3, sent.size());
        sent.close();
        add("def");
        assertEquals(0, sent.size());
    }

    private void add(String... pieces) {
        List.of(pieces).forEach(piece -> sent.add(ByteString.copyFromUtf8(piece)));
    }

    private String again(long taken, long received) {
        return sent.attached(taken, received).stream()
                .map(ByteString::toStringUtf8)
                .collect(Collectors.joining());
    }
}
