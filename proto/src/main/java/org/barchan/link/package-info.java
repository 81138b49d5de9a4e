/**
 * Frames that carry HTTP/2 over a byte stream that has no connections, such as a virtio-serial port.
 *
 * <p>After a reconnect, a crash or a restored snapshot, stale bytes wait at either end. So the host begins each connection with a
 * random <em>epoch</em>: it sends {@link org.barchan.link.Padding}, then a SYN; the guest discards everything up to a SYN and
 * answers with a SYN_ACK, which the host looks for with {@link org.barchan.link.SynAckScanner}. From there on both drop frames of
 * other epochs, and end the epoch at the first bad byte or missing frame ({@link org.barchan.link.EpochReceiver}).
 *
 * <p>A frame is a header of 32 bytes, big endian, and its payload: magic u32, type u8, version u8 = 1, reserved u16 = 0, payload
 * length u32, sequence u32 (0 for the SYN or SYN_ACK, then one more for each frame of an epoch and direction), epoch u64 (not 0),
 * checksum u64: XXH64 of the payload, seeded with XXH64 of all of the header before it.
 */
@NullMarked
package org.barchan.link;

import org.jspecify.annotations.NullMarked;
