package io.grpc.okhttp;

import java.net.SocketAddress;

/**
 * Reaches the builder's package-private constructor. The public way chooses between plain text and TLS at run time, which would link
 * all of TLS into the guest's image: megabytes to load and start for code that a link without a network never runs. So is the switch for
 * statistics.
 */
public final class PlaintextServers {
    private PlaintextServers() {}

    /** Returns the builder of a server that speaks HTTP/2 without TLS. */
    public static OkHttpServerBuilder at(SocketAddress address) {
        OkHttpServerBuilder builder = new OkHttpServerBuilder(address, new PlaintextHandshakerSocketFactory());
        // Looks for a statistics library by reflection, at each start.
        builder.setStatsEnabled(false);
        return builder;
    }
}
