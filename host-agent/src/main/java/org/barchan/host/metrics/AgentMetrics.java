package org.barchan.host.metrics;

import io.grpc.ServerInterceptor;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.exporter.httpserver.HTTPServer;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.barchan.host.lifecycle.Sandboxes;

/** The agent's metrics, at {@code /metrics} of an address. Whoever reaches that may read them, and nothing else. */
public final class AgentMetrics implements AutoCloseable {
    /** What {@code com.sun.net.httpserver} bounds its connections by: each has a thread while it is answered. */
    private static final String MAX_CONNECTIONS = "jdk.httpserver.maxConnections";

    /** Its bounds of how many seconds a request may take to come, and to be answered: without them a place may be held for ever. */
    private static final List<String> MAX_TIMES =
            List.of("sun.net.httpserver.maxReqTime", "sun.net.httpserver.maxRspTime");

    private final CallMetrics calls;
    private final HTTPServer server;

    private AgentMetrics(CallMetrics calls, HTTPServer server) {
        this.calls = calls;
        this.server = server;
    }

    /**
     * Begins to count and to answer.
     *
     * @param address where to listen; port 0 for any that is free
     * @param version the agent's
     * @throws IOException when it can't listen there
     */
    public static AgentMetrics serve(InetSocketAddress address, Sandboxes sandboxes, String version)
            throws IOException {
        setUnlessGiven(MAX_CONNECTIONS, "16");
        MAX_TIMES.forEach(time -> setUnlessGiven(time, "10"));
        PrometheusRegistry registry = new PrometheusRegistry();
        Info.builder()
                .name("barchan_agent_info")
                .help("The agent.")
                .labelNames("version")
                .register(registry)
                .setLabelValues(version);
        JvmMetrics.builder().register(registry);
        SandboxMetrics.register(sandboxes, registry);
        CallMetrics calls = new CallMetrics(registry);
        ExecutorService executor = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("metrics-", 0).factory());
        boolean listening = false;
        try {
            HTTPServer server = HTTPServer.builder()
                    .inetAddress(address.getAddress())
                    .port(address.getPort())
                    .registry(registry)
                    .executorService(executor)
                    .buildAndStart();
            listening = true;
            return new AgentMetrics(calls, server);
        } finally {
            if (!listening) {
                executor.shutdownNow();
            }
        }
    }

    private static void setUnlessGiven(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /** Returns what counts the calls that pass it. */
    public ServerInterceptor calls() {
        return calls;
    }

    /** Returns the port that is listened at. */
    int port() {
        return server.getPort();
    }

    @Override
    public void close() {
        server.close();
    }
}
