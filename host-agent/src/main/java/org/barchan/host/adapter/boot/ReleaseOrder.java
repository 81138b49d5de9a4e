package org.barchan.host.adapter.boot;

import java.io.Serializable;
import java.math.BigInteger;
import java.util.Comparator;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Orders releases of kernels, the older first: numbers by value, and a release candidate before its release. */
final class ReleaseOrder implements Comparator<String>, Serializable {
    private static final long serialVersionUID = 1L;

    private static final Pattern PART = Pattern.compile("[0-9]+|[~-]rc|~|[^0-9~]");

    @Override
    public int compare(String a, String b) {
        List<String> left = parts(a);
        List<String> right = parts(b);
        for (int i = 0; i < Math.max(left.size(), right.size()); i++) {
            String l = i < left.size() ? left.get(i) : "";
            String r = i < right.size() ? right.get(i) : "";
            int order = Integer.compare(rank(l), rank(r));
            if (order == 0) {
                order = rank(l) == NUMBER ? new BigInteger(l).compareTo(new BigInteger(r)) : l.compareTo(r);
            }
            if (order != 0) {
                return order;
            }
        }
        return a.compareTo(b);
    }

    private static final int NUMBER = 3;

    private static int rank(String part) {
        if (part.startsWith("~") || part.endsWith("rc")) {
            return 0;
        }
        if (part.isEmpty()) {
            return 1;
        }
        return Character.isDigit(part.charAt(0)) ? NUMBER : 2;
    }

    private static List<String> parts(String release) {
        return PART.matcher(release).results().map(MatchResult::group).toList();
    }
}
