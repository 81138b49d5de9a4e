package org.barchan.host.adapter.archive;

import java.util.ArrayList;
import java.util.List;
import org.barchan.host.port.TreeEntry;
import org.barchan.host.port.TreeEntry.Extent;
import org.barchan.host.sandbox.SandboxException;

/** Where a file of an archive has data, and how far that is read. Owned by one thread. */
final class SparseMap {
    static final SparseMap NONE = new SparseMap(0, List.of(), List.of());

    private static final int MAX_STORED = 50_000;

    /** Bytes of holes that are filled in any file, since there are too many; and beyond that, of each byte of data. */
    private static final long MAX_FILLED = 1L << 30;

    private static final int MAX_FILLED_RATIO = 64;

    private final long size;
    private final List<Extent> stored;
    private final List<Extent> told;
    private int nextStored;
    private int nextTold;
    private long at;

    private SparseMap(long size, List<Extent> stored, List<Extent> told) {
        this.size = size;
        this.stored = stored;
        this.told = told;
        this.at = told.isEmpty() ? 0 : told.getFirst().offset();
    }

    static SparseMap whole(long size) {
        List<Extent> all = size == 0 ? List.of() : List.of(new Extent(0, size));
        return new SparseMap(size, all, all);
    }

    /** No more than may be told: of too many the last have their holes filled, unless that is out of proportion to the data. */
    private static List<Extent> told(List<Extent> stored, long bytes) throws SandboxException {
        if (stored.size() <= TreeEntry.MAX_EXTENTS) {
            return stored;
        }
        List<Extent> told = new ArrayList<>(stored.subList(0, TreeEntry.MAX_EXTENTS - 1));
        long from = stored.get(told.size()).offset();
        told.add(new Extent(from, end(stored.getLast()) - from));
        long filled = told.stream().mapToLong(Extent::length).sum() - bytes;
        if (filled > MAX_FILLED && filled / MAX_FILLED_RATIO >= bytes) {
            throw TarReader.bad("a file with more than " + (TreeEntry.MAX_EXTENTS - 1)
                    + " holes, of which the others are "
                    + filled + " bytes to be filled (expected: at most " + MAX_FILLED + ", or " + MAX_FILLED_RATIO
                    + " times its data)");
        }
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
    static int count(long count) throws SandboxException {
        if (count > MAX_STORED) {
            throw TarReader.bad("a file with more than " + MAX_STORED + " holes");
        }
        return (int) count;
    }

    /** A number that comes digit by digit. */
    static final class Digits {
        private long number;
        private boolean any;

        void add(byte character) throws SandboxException {
            int digit = character - '0';
            if (digit < 0 || digit > 9 || number > (Long.MAX_VALUE - digit) / 10) {
                throw TarReader.bad("a number that can't be");
            }
            number = number * 10 + digit;
            any = true;
        }

        /** Returns the number, behind which another may follow. */
        long number() throws SandboxException {
            if (!any) {
                throw TarReader.bad("a number that can't be");
            }
            long whole = number;
            number = 0;
            any = false;
            return whole;
        }
    }

    /** Takes extents in their order. */
    static final class Builder {
        private final List<Extent> extents = new ArrayList<>();
        /** Of an extent whose length comes next; else negative. */
        private long offset = -1;

        /** Empty extents too: they are work, and take no room in the archive. */
        private int count;

        private long end;
        private long bytes;

        void add(long offset, long length) throws SandboxException {
            if (offset < end || length < 0 || length > Long.MAX_VALUE - offset || count == MAX_STORED) {
                throw TarReader.bad("a file with holes where none can be, or with more than " + MAX_STORED);
            }
            count++;
            if (length > 0) {
                extents.add(new Extent(offset, length));
            }
            end = offset + length;
            bytes += length;
        }

        /** Takes an offset, then a length, and so on. */
        void add(long number) throws SandboxException {
            if (offset < 0) {
                offset = number;
            } else {
                add(offset, number);
                offset = -1;
            }
        }

        /** @param stored how much data the archive has */
        SparseMap build(long size, long stored) throws SandboxException {
            if (offset >= 0) {
                throw TarReader.bad("a file with holes that does not say where they are");
            }
            if (size < end || bytes != stored) {
                throw TarReader.bad("a file with holes whose size is another");
            }
            return new SparseMap(size, extents, told(extents, bytes));
        }
    }
}
