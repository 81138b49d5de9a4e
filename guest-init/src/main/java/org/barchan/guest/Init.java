package org.barchan.guest;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.barchan.guest.api.GuestServer;
import org.barchan.guest.boot.Boot;
import org.barchan.guest.boot.Console;
import org.barchan.guest.link.LinkListener;
import org.barchan.guest.link.VirtioPort;
import org.barchan.guest.process.ProcessTable;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/** Process 1 of the guest: brings up the link and serves it until the machine is powered off. */
public final class Init {
    private static final String LINK_PORT = "org.barchan.link";
    private static final Duration PORT_TIMEOUT = Duration.ofSeconds(20);

    private Init() {}

    /** Does not return. A failure ends the machine: the agent finds the reason on the console. */
    public static void main(String[] arguments) {
        if (ProcessHandle.current().pid() != 1) {
            System.err.println("barchan-init: runs only as process 1 of a Barchan guest");
            System.exit(1);
        }
        try {
            VirtioPort port = Boot.toLink(LINK_PORT, PORT_TIMEOUT);
            GuestServer.start(new LinkListener(port, Linux::xxh64), new ProcessTable());
            Console.debug("init serves the link");
            new CountDownLatch(1).await();
        } catch (Errno | IOException | InterruptedException | RuntimeException e) {
            Console.error("can't start: " + e);
            Linux.powerOff();
        }
    }
}
