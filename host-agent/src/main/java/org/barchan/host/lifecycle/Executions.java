package org.barchan.host.lifecycle;

/** How many processes run in a sandbox beside its own. Safe for use by many threads. */
final class Executions {
    private boolean begun;
    private int running;

    synchronized void begin() {
        begun = true;
        running++;
    }

    synchronized void end() {
        running--;
        notifyAll();
    }

    /** Returns when there has been one and none runs. */
    synchronized void await() throws InterruptedException {
        while (!begun || running > 0) {
            wait();
        }
    }
}
