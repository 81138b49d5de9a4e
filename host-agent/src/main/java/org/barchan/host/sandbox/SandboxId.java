package org.barchan.host.sandbox;

import java.security.SecureRandom;
import java.util.regex.Pattern;

/** Identifies a sandbox, unique for ever: {@code b-} and twelve letters or digits. */
public record SandboxId(String value) {
    private static final Pattern FORM = Pattern.compile("b-[a-z0-9]{12}");
    private static final String ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final SecureRandom RANDOM = new SecureRandom();

    public SandboxId {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("sandbox id: " + value + " (expected: " + FORM + ")");
        }
    }

    /** Returns an id that was never used: 62 random bits. */
    public static SandboxId random() {
        StringBuilder id = new StringBuilder("b-");
        for (int i = 0; i < 12; i++) {
            id.append(ALPHABET.charAt(RANDOM.nextInt(ALPHABET.length())));
        }
        return new SandboxId(id.toString());
    }

    @Override
    public String toString() {
        return value;
    }
}
