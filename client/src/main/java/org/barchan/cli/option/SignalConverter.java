package org.barchan.cli.option;

import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads a signal as kill(1) does: by its number or name, with or without "SIG"; "RTMIN+1", "RTMAX-2". Lists the names for completion. Source:
 * signal(7).
 */
public final class SignalConverter implements ITypeConverter<Integer>, Iterable<String> {
    /** Those that have names, from 1 on. */
    private static final List<String> NAMES = List.of(
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
            "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
            "WINCH", "IO", "PWR", "SYS");

    /** As glibc has it, which keeps two for itself. */
    private static final int RTMIN = 34;

    private static final int RTMAX = 64;

    @Override
    public Integer convert(String text) {
        int number = numberOf(text.toUpperCase(Locale.ROOT).replaceFirst("^SIG", ""));
        if (number < 1 || number > RTMAX) {
            throw new TypeConversionException("'" + text
                    + "' is no signal (expected: a name as TERM, SIGHUP or RTMIN+1, or a number from 1 to 64)");
        }
        return number;
    }

    @Override
    public Iterator<String> iterator() {
        return NAMES.iterator();
    }

    private static int numberOf(String name) {
        if (name.matches("\\d{1,2}")) {
            return Integer.parseInt(name);
        }
        if (name.matches("RTMIN(\\+\\d{1,2})?")) {
            int number = RTMIN + offset(name);
            return number <= RTMAX ? number : 0;
        }
        if (name.matches("RTMAX(-\\d{1,2})?")) {
            int number = RTMAX - offset(name);
            return number >= RTMIN ? number : 0;
        }
        return switch (name) {
            case "IOT" -> NAMES.indexOf("ABRT") + 1;
            case "POLL" -> NAMES.indexOf("IO") + 1;
            case "CLD" -> NAMES.indexOf("CHLD") + 1;
            default -> NAMES.indexOf(name) + 1;
        };
    }

    private static int offset(String name) {
        return name.length() == "RTMIN".length() ? 0 : Integer.parseInt(name.substring("RTMIN+".length()));
    }
}
