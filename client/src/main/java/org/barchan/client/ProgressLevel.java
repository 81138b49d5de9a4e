package org.barchan.client;

/** How much a progress message matters. */
public enum ProgressLevel {
    /** Worth a line only to who asked for more. */
    VERBOSE,
    /** Something takes long enough for people to wonder. */
    INFO,
    /** Something is not as it should be, or not as was hoped. */
    WARNING
}
