package org.barchan.host.lifecycle;

/** What a guest's kernel is told at boot: the one place where it is written down. */
final class KernelCommandLine {
    private static final String COMMON = "console=ttyS0 panic=1 oops=panic random.trust_cpu=on";

    private KernelCommandLine() {}

    /**
     * Returns the command line.
     *
     * @param debug whether kernel and init write all their messages to the console
     */
    static String of(boolean debug) {
        return debug ? COMMON + " loglevel=7 barchan.debug=1" : COMMON + " quiet";
    }
}
