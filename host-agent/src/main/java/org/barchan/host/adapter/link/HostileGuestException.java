package org.barchan.host.adapter.link;

import java.io.IOException;

/** The guest did what no honest one does. */
final class HostileGuestException extends IOException {
    private static final long serialVersionUID = 1L;

    HostileGuestException(String message) {
        super(message);
    }
}
