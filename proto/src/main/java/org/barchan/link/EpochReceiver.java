package org.barchan.link;

/** Checks the frames that follow the SYN or SYN_ACK of one epoch in one direction. Not safe for use by many threads. */
public final class EpochReceiver {
    private final long epoch;
    private int expected = 1;

    /** Expects the frame behind the SYN or SYN_ACK of this epoch. */
    public EpochReceiver(long epoch) {
        this.epoch = epoch;
    }

    /**
     * Tells whether a frame is to be looked at.
     *
     * @return false for a frame of another epoch, which is to be dropped
     * @throws LinkException when a frame was lost or repeated: the epoch is dead
     */
    public boolean accept(Frame frame) throws LinkException {
        if (frame.epoch() != epoch) {
            return false;
        }
        if (frame.sequence() != expected) {
            throw new LinkException("frame " + Integer.toUnsignedString(frame.sequence()) + " of epoch "
                    + Long.toHexString(epoch) + " arrived where " + Integer.toUnsignedString(expected)
                    + " was expected");
        }
        expected++;
        return true;
    }
}
