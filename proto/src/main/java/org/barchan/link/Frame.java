package org.barchan.link;

import java.nio.ByteBuffer;

/**
 * One frame.
 *
 * @param type what it is for
 * @param epoch the connection that it belongs to, never 0
 * @param sequence its number in its epoch and direction, an unsigned value that wraps around
 * @param payload its bytes; from a {@link FrameDecoder}, a view of the caller's buffer that holds until the caller changes that
 */
public record Frame(FrameType type, long epoch, int sequence, ByteBuffer payload) {}
