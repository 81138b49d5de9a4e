package org.barchan.host.lifecycle;

/** Is told what is being done. */
@FunctionalInterface
public interface Progress {
    /** @param message one line */
    void progress(RunObserver.Level level, String message);
}
