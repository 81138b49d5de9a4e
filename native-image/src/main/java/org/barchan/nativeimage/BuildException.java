package org.barchan.nativeimage;

/** The executable can't be built. The message says what was tried on what, why it failed, and what to do. */
final class BuildException extends Exception {
    private static final long serialVersionUID = 1L;

    BuildException(String message) {
        super(message);
    }

    BuildException(String message, Throwable cause) {
        super(message, cause);
    }
}
