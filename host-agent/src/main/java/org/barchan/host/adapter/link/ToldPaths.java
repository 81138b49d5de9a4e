package org.barchan.host.adapter.link;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * Paths that a guest has told, as hashes of 64 bits: 16 bytes of memory for each, however long they are. A path that was told is always found; that
 * another one is taken for it happens to nobody, and would only have an honest guest refused. The hashes have a key, so that a guest can't choose paths
 * that make looking slow. Owned by one thread.
 */
final class ToldPaths {
    private static final int FIRST = 64;

    private final MessageDigest digest;
    private final byte[] key = new byte[16];
    private final int most;
    /** Each at the first free place from where it would like to be; 0 is a free one. Less than three quarters are in use. */
    private long[] hashes = new long[FIRST];

    private int size;

    /** @param most how many it takes */
    ToldPaths(int most) {
        this.most = most;
        new SecureRandom().nextBytes(key);
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("a JDK without SHA-256", e);
        }
    }

    boolean isEmpty() {
        return size == 0;
    }

    /**
     * Takes a path, which may be there.
     *
     * @param path with a character for each byte, as in all methods
     * @return whether it is there now; false: there are too many
     */
    boolean add(String path) {
        long hash = hash(path);
        int place = place(hashes, hash);
        if (hashes[place] == hash) {
            return true;
        }
        if (size == most) {
            return false;
        }
        hashes[place] = hash;
        size++;
        if (size > hashes.length / 4 * 3) {
            grow();
        }
        return true;
    }

    boolean contains(String path) {
        long hash = hash(path);
        return size > 0 && hashes[place(hashes, hash)] == hash;
    }

    /** Whether it contains the path, or one that this lies below. */
    boolean containsAtOrAbove(String path) {
        for (int end = path.length(); end > 0 && size > 0; end = path.lastIndexOf('/', end - 1)) {
            if (contains(path.substring(0, end))) {
                return true;
            }
        }
        return false;
    }

    private long hash(String path) {
        digest.update(key);
        long hash = ByteBuffer.wrap(digest.digest(path.getBytes(StandardCharsets.ISO_8859_1)))
                .getLong();
        return hash == 0 ? 1 : hash;
    }

    private static int place(long[] hashes, long hash) {
        int place = (int) hash & (hashes.length - 1);
        while (hashes[place] != 0 && hashes[place] != hash) {
            place = (place + 1) & (hashes.length - 1);
        }
        return place;
    }

    private void grow() {
        long[] larger = new long[2 * hashes.length];
        Arrays.stream(hashes).filter(hash -> hash != 0).forEach(hash -> larger[place(larger, hash)] = hash);
        hashes = larger;
    }
}
