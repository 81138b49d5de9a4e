package org.barchan.host.sandbox;

/** A user of the host, by number. */
public record HostUser(int uid, int gid) {
    public HostUser {
        if (uid < 0 || gid < 0) {
            throw new IllegalArgumentException("user: " + uid + ":" + gid + " (expected: >= 0)");
        }
    }
}
