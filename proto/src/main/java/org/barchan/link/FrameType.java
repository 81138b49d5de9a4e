package org.barchan.link;

import org.jspecify.annotations.Nullable;

/** What a frame is for. */
public enum FrameType {
    /** The host begins an epoch. No payload. */
    SYN(1),
    /** The guest agrees. No payload. */
    SYN_ACK(2),
    /** Bytes of the carried connection. */
    DATA(3),
    /** The sender has ended the epoch. */
    FIN(4),
    /** Asks for a PONG with the same payload. */
    PING(5),
    /** Answers a PING. */
    PONG(6),
    /** What a process wrote, beside the carried connection: an {@link OutputHeader} and bytes. Sent by the guest alone. */
    OUTPUT(7);

    private static final FrameType[] BY_CODE = {null, SYN, SYN_ACK, DATA, FIN, PING, PONG, OUTPUT};

    private final byte code;

    FrameType(int code) {
        this.code = (byte) code;
    }

    byte code() {
        return code;
    }

    /** Whether a frame of this type never has a payload. */
    boolean bare() {
        return this == SYN || this == SYN_ACK;
    }

    static @Nullable FrameType ofCode(byte code) {
        return code > 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    }
}
