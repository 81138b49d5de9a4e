package org.barchan.host.sandbox;

import java.util.regex.Pattern;

/** A sandbox's name as its user chose it: a DNS label (RFC 1123), also the guest's host name. */
public record SandboxName(String value) {
    private static final Pattern FORM = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

    public SandboxName {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("sandbox name: '" + value
                    + "' (expected: 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit)");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
