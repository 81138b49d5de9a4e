package org.barchan.host.adapter.libvirt;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.libvirt.Error.ErrorNumber;
import org.libvirt.LibvirtException;

/** What libvirt's errors mean to the agent. */
final class LibvirtErrors {
    // errno(3)
    private static final int ENOENT = 2;
    private static final int EAGAIN = 11;
    private static final int ENOMEM = 12;
    private static final int ENFILE = 23;
    private static final int EMFILE = 24;
    private static final int ENOSPC = 28;
    private static final int ECONNREFUSED = 111;

    /** QEMU's own words: libvirt passes them on under a code that says nothing. */
    private static final Pattern QEMU_EXHAUSTED = Pattern.compile(
            "Cannot allocate memory|No space left on device|Too many open files" + "|Resource temporarily unavailable");

    /** How libvirt introduces what QEMU said before it ended, and what QEMU puts before it. */
    private static final Pattern QEMU_ENDED =
            Pattern.compile("^internal error: (?:process exited while connecting to monitor"
                    + "|qemu unexpectedly closed the monitor): (?:\\S+Z )?(?:qemu-system-\\S+: )?(?:error: )?");

    /** Debian's driver package does not make the user that its library looks up before it reads any configuration. */
    private static final Pattern MISSING_USER = Pattern.compile("Failed to parse (?:user|group) '([a-z0-9-]+)'");

    /** QEMU locks its images, each user of one against those that would be surprised by it. */
    private static final Pattern IMAGE_LOCKED = Pattern.compile("Failed to (?:get|lock) .*lock|Failed to lock byte");

    /** What a call says that was under way when its connection was lost. */
    private static final Pattern CONNECTION_LOST =
            Pattern.compile("keepalive timeout|client socket is closed|End of file while reading data");

    private LibvirtErrors() {}

    /**
     * Returns the error for a failed call.
     *
     * @param action what was tried on what, for example "starting machine b-0123"
     * @param log the tail of QEMU's log
     */
    static SandboxException translate(String action, LibvirtException e, Optional<String> log) {
        org.libvirt.Error error = e.getError();
        return new SandboxException(
                code(error.getCode(), error.getInt1(), String.valueOf(error.getMessage())),
                message(action, error.getCode(), error.getInt1(), String.valueOf(error.getMessage()), log),
                e);
    }

    /** Whether an error says that the domain is not there, or not running: what destroying it was to bring about. */
    static boolean saysGone(LibvirtException e) {
        ErrorNumber number = e.getError().getCode();
        return number == ErrorNumber.VIR_ERR_NO_DOMAIN || number == ErrorNumber.VIR_ERR_OPERATION_INVALID;
    }

    static Code code(ErrorNumber number, int detail, String words) {
        boolean exhausted = switch (number) {
            case VIR_ERR_NO_MEMORY, VIR_ERR_RESOURCE_BUSY -> true;
            case VIR_ERR_SYSTEM_ERROR ->
                switch (detail) {
                    case EAGAIN, ENOMEM, ENFILE, EMFILE, ENOSPC -> true;
                    default -> false;
                };
            default -> QEMU_EXHAUSTED.matcher(words).find();
        };
        if (exhausted && !saysLocked(words)) {
            return Code.EXHAUSTED;
        }
        return switch (number) {
            case VIR_ERR_DOM_EXIST -> Code.ALREADY_EXISTS;
            case VIR_ERR_NO_DOMAIN -> Code.NOT_FOUND;
            case VIR_ERR_XML_ERROR, VIR_ERR_XML_DETAIL, VIR_ERR_XML_INVALID_SCHEMA -> Code.INTERNAL;
            default -> Code.PRECONDITION;
        };
    }

    static String message(String action, ErrorNumber number, int detail, String words, Optional<String> log) {
        StringBuilder message = new StringBuilder(action).append(" failed: ").append(Printable.of(said(words)));
        remedy(number, detail, words).ifPresent(remedy -> message.append("; ").append(remedy));
        // Libvirt quotes QEMU itself where QEMU ended before it could be talked to.
        log.filter(tail -> !tail.isBlank() && !words.contains(tail.strip()))
                .ifPresent(tail -> message.append("\nthe end of QEMU's log:\n").append(tail.stripTrailing()));
        return message.toString();
    }

    /** Who says it, and what. */
    private static String said(String words) {
        Matcher ended = QEMU_ENDED.matcher(words);
        return ended.find() ? "QEMU ended: " + words.substring(ended.end()) : "libvirt says: " + words;
    }

    private static Optional<String> remedy(ErrorNumber number, int detail, String words) {
        if (saysLocked(words)) {
            return Optional.of("another agent uses this state directory: stop that one, or choose another directory");
        }
        if (words.contains("qemu state driver is not active")) {
            return Optional.of(
                    "libvirt's QEMU driver could not start when this agent first opened it, and does so once:"
                            + " the agent's log says why; mend that and stop the agent, the next command starts another");
        }
        if (IMAGE_LOCKED.matcher(words).find()) {
            return Optional.of("the image is in use by another sandbox or program, and one of both writes to it:"
                    + " wait until that has ended, or have both read it only");
        }
        Matcher missingUser = MISSING_USER.matcher(words);
        if (missingUser.find()) {
            String user = missingUser.group(1);
            return Optional.of(
                    "libvirt was built to know that user: install it with apt-get install libvirt-daemon-system"
                            + " or make it with useradd --system " + user);
        }
        if (CONNECTION_LOST.matcher(words).find()) {
            return Optional.of("libvirt's daemon ended or hangs: see to it that it runs, and try again");
        }
        return switch (number) {
            case VIR_ERR_NO_CONNECT ->
                Optional.of("install libvirt's QEMU driver: apt-get install libvirt-daemon-driver-qemu");
            case VIR_ERR_SYSTEM_ERROR ->
                detail == ENOENT || detail == ECONNREFUSED
                        ? Optional.of(
                                "if libvirt's daemon does not run, start it, or use qemu:///embed, which needs none")
                        : Optional.empty();
            default -> Optional.empty();
        };
    }

    private static boolean saysLocked(String words) {
        return words.contains("driver.pid");
    }
}
