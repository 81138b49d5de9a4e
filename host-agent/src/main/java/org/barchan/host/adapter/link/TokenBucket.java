package org.barchan.host.adapter.link;

import java.util.function.LongSupplier;

/** A budget that fills up with time, and with work done. Safe for use by many threads. */
final class TokenBucket {
    private final double burst;
    private final double perNano;
    private final LongSupplier nanoTime;

    private double tokens;
    private long filledAt;

    /**
     * Starts full.
     *
     * @param burst most tokens that it holds
     * @param perSecond tokens that it gains in a second
     */
    TokenBucket(int burst, int perSecond, LongSupplier nanoTime) {
        this.burst = burst;
        this.perNano = perSecond / 1e9;
        this.nanoTime = nanoTime;
        this.tokens = burst;
        this.filledAt = nanoTime.getAsLong();
    }

    /** Takes one token; returns false when there was none. */
    synchronized boolean take() {
        fill();
        if (tokens < 1) {
            return false;
        }
        tokens--;
        return true;
    }

    /** Adds tokens that were earned otherwise. */
    synchronized void earn(double earned) {
        tokens = Math.min(burst, tokens + earned);
    }

    private void fill() {
        long now = nanoTime.getAsLong();
        tokens = Math.min(burst, tokens + (now - filledAt) * perNano);
        filledAt = now;
    }
}
