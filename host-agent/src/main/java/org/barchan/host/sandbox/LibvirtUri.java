package org.barchan.host.sandbox;

import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which libvirt runs a machine. One of this host, since a machine's sockets and the directories that it shares are.
 *
 * @param driver {@code embed}, {@code system} or {@code session}
 * @param socket where the daemon listens; empty: where libvirt looks for it
 */
public record LibvirtUri(String driver, Optional<Path> socket) {
    /** The driver inside the agent. */
    public static final String EMBEDDED = "embed";

    /** The daemon of root. */
    public static final String SYSTEM = "system";

    private static final Pattern SYNTAX =
            Pattern.compile("qemu:///(?:embed|(?:system|session)(?:\\?socket=(/[A-Za-z0-9._/-]+))?)");

    /** @throws IllegalArgumentException saying what is expected */
    public static LibvirtUri parse(String text) {
        Matcher matcher = SYNTAX.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text
                    + "' (expected: qemu:///embed, qemu:///system or qemu:///session, the latter two also with"
                    + " ?socket=PATH; none of another host or transport, since machines use this host's files)");
        }
        String driver = text.substring("qemu:///".length()).split("\\?", 2)[0];
        return new LibvirtUri(driver, Optional.ofNullable(matcher.group(1)).map(Path::of));
    }
}
