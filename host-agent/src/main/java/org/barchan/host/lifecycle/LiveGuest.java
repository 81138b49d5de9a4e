package org.barchan.host.lifecycle;

import org.barchan.host.port.Console;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestHello;
import org.barchan.host.port.Machine;

/** A guest that has answered, and what it is reached by. */
record LiveGuest(Machine machine, Console console, Guest guest, GuestHello hello) {
    /** Lets go of the guest, which runs on. */
    void release() {
        guest.close();
        console.close();
    }
}
