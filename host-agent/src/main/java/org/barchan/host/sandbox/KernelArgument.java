package org.barchan.host.sandbox;

import java.util.List;
import java.util.regex.Pattern;

/**
 * A parameter of a guest's kernel, for example {@code nosmt} or {@code dyndbg="file fs/9p/* +p"}.
 *
 * @param text printable ASCII; blanks stand in double quotes
 */
public record KernelArgument(String text) {
    /** Most bytes of all of them, with a blank between them: what x86 takes for the whole line, but for the agent's own. */
    public static final int MAX_BYTES = 2048 - 512;

    /** Possessive: a long text must not take a long stack. */
    private static final Pattern FORM = Pattern.compile("(?:[!#-~]++|\"[ !#-~]*+\")++");

    /** What the guest's boot depends on. */
    private static final List<String> OURS = List.of("init=", "rdinit=", "barchan.", "--");

    /** @throws IllegalArgumentException when it is none, or one that is not the caller's to give */
    public KernelArgument {
        if (text.length() > MAX_BYTES) {
            throw new IllegalArgumentException(text.length() + " bytes (expected: at most " + MAX_BYTES + ")");
        }
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' (expected: one parameter, printable, its blanks in double quotes)");
        }
        for (String ours : OURS) {
            if (text.startsWith(ours)) {
                throw new IllegalArgumentException(
                        "'" + text + "' (expected: not " + ours + ", which a sandbox can't do with another)");
            }
        }
    }
}
