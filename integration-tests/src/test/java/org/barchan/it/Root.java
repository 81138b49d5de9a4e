package org.barchan.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Tests that only root can run. */
final class Root {
    private Root() {}

    /** Aborts the test with its reason where this is not root. */
    static void required(String why) {
        assumeTrue(isRoot(), () -> "needs root for " + why);
    }

    static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }
}
