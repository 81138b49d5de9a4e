package org.barchan.client;

import java.util.List;

/**
 * User and groups of a process, by number.
 *
 * @param privileged only for user 0: keep the capabilities that give no power over the sandbox's own init
 */
public record Identity(long uid, long gid, List<Long> supplementaryGids, boolean privileged) {
    /** The largest id; the one above means "no change" to Linux. */
    public static final long MAXIMUM_ID = 0xFFFF_FFFEL;

    /** @throws IllegalArgumentException if an id is none, or a privileged user is not root */
    public Identity {
        supplementaryGids = List.copyOf(supplementaryGids);
        checkId("user", uid);
        checkId("group", gid);
        supplementaryGids.forEach(group -> checkId("supplementary group", group));
        if (privileged && uid != 0) {
            throw new IllegalArgumentException("privileged user: " + uid + " (expected: 0)");
        }
    }

    private static void checkId(String kind, long id) {
        if (id < 0 || id > MAXIMUM_ID) {
            throw new IllegalArgumentException(kind + " id: " + id + " (expected: 0 to " + MAXIMUM_ID + ")");
        }
    }
}
