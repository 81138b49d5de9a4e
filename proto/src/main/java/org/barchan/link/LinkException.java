package org.barchan.link;

import java.io.IOException;

/** The bytes that arrived break the rules of the link: the epoch is dead, and only a new one helps. */
public final class LinkException extends IOException {
    private static final long serialVersionUID = 1L;

    public LinkException(String message) {
        super(message);
    }
}
