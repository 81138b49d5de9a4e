package org.barchan.guest.api;

import io.grpc.Server;
import io.grpc.okhttp.PlaintextServers;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.barchan.guest.link.LinkListener;
import org.barchan.guest.link.LinkServerSocket;
import org.barchan.guest.process.ProcessTable;
import org.barchan.guest.stats.SandboxStats;

/** The gRPC server on the link. */
public final class GuestServer {
    /** Above what is in flight at the emulator's pace, so that flow control never waits for a round trip. */
    private static final int FLOW_CONTROL_WINDOW = 1024 * 1024;

    private static final int MAX_MESSAGE = 1024 * 1024;

    private GuestServer() {}

    /** Starts to serve every epoch of the link. */
    public static Server start(LinkListener link, ProcessTable processes) throws IOException {
        ExecutorService executor = Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(null, work, "rpc", 256 * 1024);
            thread.setDaemon(true);
            return thread;
        });
        PortListeners listeners = new PortListeners(PortListener::open, System::nanoTime);
        return PlaintextServers.at(LinkServerSocket.ADDRESS)
                .socketFactory(LinkServerSocket.factory(link))
                .flowControlWindow(FLOW_CONTROL_WINDOW)
                .maxInboundMessageSize(MAX_MESSAGE)
                // A host that goes hangs up, and one that has not come yet would be given up.
                .keepAliveTime(Long.MAX_VALUE, TimeUnit.NANOSECONDS)
                .transportExecutor(executor)
                .executor(executor)
                .addService(new GuestServiceImplementation(link, processes))
                .addService(new PortServiceImplementation(
                        target -> PortSocket.connect(target, processes.root()), listeners))
                .addService(new FileServiceImplementation(() -> processes
                        .root()
                        .orElseThrow(() -> new IllegalStateException("there is no sandbox yet, or it has ended"))))
                .addService(new StatsServiceImplementation(
                        new SandboxStats()::read, () -> processes.root().isPresent()))
                .intercept(new EpochInterceptor())
                .build()
                .start();
    }
}
