package org.barchan.host.port;

import java.util.List;

/**
 * Who a guest is.
 *
 * @param bootId the guest kernel's boot id; empty until it is configured
 * @param epochs number of epochs since boot, this one included
 * @param configured whether the sandbox has been made
 * @param processIds the processes that were started
 * @param initExecMicros guest uptime at which its init was executed, in microseconds
 * @param helloMicros guest uptime at which it answered, in microseconds
 */
public record GuestHello(
        String bootId,
        String kernelRelease,
        int epochs,
        boolean configured,
        List<String> processIds,
        long initExecMicros,
        long helloMicros) {
    public GuestHello {
        processIds = List.copyOf(processIds);
    }
}
