package org.barchan.host.lifecycle;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.port.Console;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestHello;
import org.barchan.host.port.Machine;

/**
 * A guest that has answered, and what it is reached by.
 *
 * @param restored whether it goes on from a template, where it booted
 */
record LiveGuest(Machine machine, Console console, Guest guest, GuestHello hello, boolean restored) {
    /** How long the hypervisor's event may come after the link of a dead machine was lost. */
    private static final Duration EVENT_LAG = Duration.ofSeconds(3);

    /** A link that is lost is most often the first sign of a machine that has ended: waits for the event that tells, if it comes. */
    boolean awaitMachineEnd() throws InterruptedException {
        try {
            var _ = machine.ended().toCompletableFuture().get(EVENT_LAG.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        }
    }

    /** Returns it with the boot id that it has since it was configured. */
    LiveGuest configured(String bootId) {
        GuestHello known = new GuestHello(
                bootId,
                hello.kernelRelease(),
                hello.epochs(),
                true,
                hello.processIds(),
                hello.initExecMicros(),
                hello.helloMicros());
        return new LiveGuest(machine, console, guest, known, restored);
    }

    /** Lets go of the guest, which runs on. */
    void release() {
        guest.close();
        console.close();
    }
}
