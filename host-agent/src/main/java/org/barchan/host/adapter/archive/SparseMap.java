package org.barchan.host.adapter.archive;

import java.util.ArrayList;
import java.util.List;
import org.barchan.host.port.TreeEntry;
import org.barchan.host.port.TreeEntry.Extent;
import org.barchan.host.sandbox.SandboxException;

/** Where a file of an archive has data, and how far that is read. Owned by one thread. */
final class SparseMap {
    static final SparseMap NONE = new SparseMap(0, List.of());

    private static final int MAX_STORED = 50_000;

    private final long size;
    private final List<Extent> stored;
    private final List<Extent> told;
    private int nextStored;
    private int nextTold;
    private long at;

    private SparseMap(long size, List<Extent> stored) {
        this.size = size;
        this.stored = stored;
        this.told = told(stored);
        this.at = told.isEmpty() ? 0 : told.getFirst().offset();
    }

    static SparseMap whole(long size) {
        return new SparseMap(size, size == 0 ? List.of() : List.of(new Extent(0, size)));
    }

    /** No more than may be told: of too many the last have their holes filled. */
    private static List<Extent> told(List<Extent> stored) {
        if (stored.size() <= TreeEntry.MAX_EXTENTS) {
            return stored;
        }
        List<Extent> told = new ArrayList<>(stored.subList(0, TreeEntry.MAX_EXTENTS - 1));
        long from = stored.get(told.size()).offset();
        told.add(new Extent(from, end(stored.getLast()) - from));
        return told;
    }

    private static long end(Extent extent) {
        return extent.offset() + extent.length();
    }

    long size() {
        return size;
    }

    List<Extent> told() {
        return told;
    }

    /**
     * What is to be done next.
     *
     * @param bytes 0: all is done
     * @param isData whether they follow in the archive; else they are zero
     */
    record Step(int bytes, boolean isData) {}

    /** Returns what comes next, which counts as done. */
    Step next(int most) {
        if (nextTold == told.size()) {
            return new Step(0, false);
        }
        long toldEnd = end(told.get(nextTold));
        Extent next = stored.get(nextStored);
        boolean data = at >= next.offset();
        int n = (int) Math.min(most, Math.min(toldEnd, data ? end(next) : next.offset()) - at);
        at += n;
        if (data && at == end(next)) {
            nextStored++;
        }
        if (at == toldEnd) {
            nextTold++;
            at = nextTold == told.size() ? at : told.get(nextTold).offset();
        }
        return new Step(n, data);
    }

    /** @throws SandboxException {@code INVALID} where there is none from 0 to {@link Long#MAX_VALUE} */
    static long number(String text) throws SandboxException {
        try {
            long number = Long.parseLong(text);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // As if it were negative.
        }
        throw TarReader.bad("a number that can't be");
    }

    /** Returns how many extents there are to be. */
    static int count(String text) throws SandboxException {
        long count = number(text);
        if (count > MAX_STORED) {
            throw TarReader.bad("a file with more than " + MAX_STORED + " holes");
        }
        return (int) count;
    }

    /** Takes extents in their order. */
    static final class Builder {
        private final List<Extent> extents = new ArrayList<>();
        private long end;
        private long bytes;

        void add(long offset, long length) throws SandboxException {
            if (offset < end || length < 0 || length > Long.MAX_VALUE - offset || extents.size() == MAX_STORED) {
                throw TarReader.bad("a file with holes where none can be, or with more than " + MAX_STORED);
            }
            if (length > 0) {
                extents.add(new Extent(offset, length));
            }
            end = offset + length;
            bytes += length;
        }

        void addAll(String[] numbers, int from) throws SandboxException {
            if ((numbers.length - from) % 2 != 0) {
                throw TarReader.bad("a file with holes that does not say where they are");
            }
            for (int i = from; i < numbers.length; i += 2) {
                add(number(numbers[i]), number(numbers[i + 1]));
            }
        }

        /** @param stored how much data the archive has */
        SparseMap build(long size, long stored) throws SandboxException {
            if (size < end || bytes != stored) {
                throw TarReader.bad("a file with holes whose size is another");
            }
            return new SparseMap(size, extents);
        }
    }
}
