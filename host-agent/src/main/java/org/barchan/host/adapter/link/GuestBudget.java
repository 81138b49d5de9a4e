package org.barchan.host.adapter.link;

import java.util.function.LongSupplier;

/**
 * How much work without payload a guest may cause. It belongs to the guest, not to a connection, so that a new epoch does not renew
 * it. Safe for use by many threads.
 */
final class GuestBudget {
    private static final int CONTROL_BURST = 20_000;
    private static final int CONTROL_PER_SECOND = 2_000;
    /** A stream needs two window updates for each 32 KiB: this is sixteen times what it needs. */
    private static final double CONTROL_PER_BYTE = 1.0 / 1024;

    private static final int TINY_BURST = 20_000;
    private static final int TINY_PER_SECOND = 20_000;

    private final TokenBucket control;
    private final TokenBucket tiny;

    GuestBudget(LongSupplier nanoTime) {
        this.control = new TokenBucket(CONTROL_BURST, CONTROL_PER_SECOND, nanoTime);
        this.tiny = new TokenBucket(TINY_BURST, TINY_PER_SECOND, nanoTime);
    }

    /** Accounts for bytes that were carried in either direction. */
    void carried(int bytes) {
        control.earn(bytes * CONTROL_PER_BYTE);
    }

    /** Accounts for a frame that carries nothing; false: no honest guest sends so many. */
    boolean takeControl() {
        return control.take();
    }

    /** Accounts for a frame that carries next to nothing; false: read more slowly. */
    boolean takeTiny() {
        return tiny.take();
    }
}
