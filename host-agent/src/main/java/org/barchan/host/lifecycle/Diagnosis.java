package org.barchan.host.lifecycle;

import java.util.Optional;
import org.barchan.host.port.Console;
import org.barchan.host.port.Machine;

/** The last that is known of a guest, for people. */
final class Diagnosis {
    private static final int LINES = 12;
    private static final int LINE_LENGTH = 160;

    private Diagnosis() {}

    /** Returns the end of the guest's console and of QEMU's log, each line indented and begun by a line feed; escaped. */
    static String of(Machine machine, Console console) {
        return of(machine, Optional.of(console));
    }

    /** Returns the same where the console may not have been connected yet. */
    static String of(Machine machine, Optional<Console> console) {
        return console.map(c -> section("the guest's console ends with", c.tail(LINES)))
                        .orElse("")
                + section("QEMU's log ends with", machine.log());
    }

    private static String section(String title, String text) {
        String[] lines = text.strip().split("\n", -1);
        StringBuilder section = new StringBuilder("\n").append(title).append(':');
        if (text.isBlank()) {
            return section.append(" (nothing)").toString();
        }
        for (int i = Math.max(0, lines.length - LINES); i < lines.length; i++) {
            String line = Printable.line(lines[i].stripTrailing());
            section.append("\n  ").append(line.length() > LINE_LENGTH ? line.substring(0, LINE_LENGTH) + "..." : line);
        }
        return section.toString();
    }
}
