package org.barchan.host.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.barchan.host.api.AgentServer;
import org.barchan.host.api.CallGate;
import org.barchan.host.lifecycle.FakeHypervisor;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.v1.DeleteSandboxRequest;
import org.barchan.v1.EventServiceGrpc;
import org.barchan.v1.GetNodeRequest;
import org.barchan.v1.NodeServiceGrpc;
import org.barchan.v1.SandboxServiceGrpc;
import org.barchan.v1.WatchEventsRequest;
import org.barchan.v1.WatchEventsResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is counted, as a scrape has it. */
@Timeout(60)
final class AgentMetricsTest {
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private final FakeHypervisor world;
    private final Sandboxes sandboxes;
    private final AgentMetrics metrics;
    private final AgentServer server;
    private final EventLoopGroup clientLoop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ManagedChannel channel;
    private final HttpClient http = HttpClient.newHttpClient();

    AgentMetricsTest(@TempDir Path directory) throws IOException {
        world = new FakeHypervisor(directory);
        sandboxes = world.sandboxes();
        metrics = AgentMetrics.serve(ANY_PORT, sandboxes, "1.2.3");
        sandboxes.reconcile();
        Path socket = directory.resolve("agent.sock");
        int uid = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        server = AgentServer.listen(
                socket,
                Set.of(uid),
                new CallGate(),
                new AgentServer.Services(sandboxes, "1.2.3", directory.resolve("state"), Optional.of(metrics.calls())));
        channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(clientLoop)
                .usePlaintext()
                .build();
    }

    @AfterEach
    void close() {
        channel.shutdownNow();
        http.close();
        server.close();
        metrics.close();
        var _ = clientLoop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private HttpResponse<String> get(String path, String accept) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + metrics.port() + path);
        return http.send(
                HttpRequest.newBuilder(uri).header("Accept", accept).build(), HttpResponse.BodyHandlers.ofString());
    }

    private String scrape() throws Exception {
        HttpResponse<String> response = get("/metrics", "text/plain");
        assertEquals(200, response.statusCode());
        return response.body();
    }

    private static void assertHas(String scrape, String sample) {
        assertTrue(scrape.lines().anyMatch(sample::equals), () -> sample + " in:\n" + scrape);
    }

    /** Waits for a sample that another thread is about to change. */
    private String await(String sample) throws Exception {
        String scrape = scrape();
        while (scrape.lines().noneMatch(sample::equals)) {
            scrape = scrape();
        }
        return scrape;
    }

    @Test
    void agent_saysWhatItIs() throws Exception {
        String scrape = scrape();

        assertHas(scrape, "barchan_agent_info{version=\"1.2.3\"} 1");
        assertTrue(scrape.contains("\njvm_memory_used_bytes{"), scrape);
        assertTrue(scrape.contains("\nprocess_open_fds "), scrape);
    }

    @Test
    void sandboxes_areCountedByState_withTheirStartsAndEnds() throws Exception {
        assertHas(scrape(), "barchan_sandboxes{state=\"running\"} 0.0");
        world.runKept(sandboxes);
        String running = scrape();
        assertHas(running, "barchan_sandboxes{state=\"running\"} 1.0");
        assertHas(running, "barchan_sandbox_start_seconds_count 1");
        assertHas(running, "barchan_sandbox_start_failures_total 0.0");
        sandboxes.pause("kept");
        assertHas(scrape(), "barchan_sandboxes{state=\"paused\"} 1.0");
        sandboxes.resume("kept");
        world.processExits(3);
        assertEquals(3, sandboxes.processes().await("kept", "").getExitCode());

        String ended = await("barchan_sandboxes{state=\"ended\"} 1.0");
        assertHas(ended, "barchan_sandboxes{state=\"running\"} 0.0");
        assertTrue(
                ended.contains("\nbarchan_sandbox_exits_total{cause=\"unknown\",result=\"failed\"} 1.0\n")
                        || ended.contains("\nbarchan_sandbox_exits_total{cause=\"exited\",result=\"failed\"} 1.0\n"),
                ended);
        assertFalse(ended.contains("\"kept\""), "a name is no label");
    }

    @Test
    void sandboxThatDoesNotStart_isCountedAsSuch() throws Exception {
        world.failStart();
        assertThrows(Throwable.class, () -> world.runKept(sandboxes));

        String scrape = await("barchan_sandbox_start_failures_total 1.0");
        assertHas(scrape, "barchan_sandbox_start_seconds_count 0");
    }

    @Test
    void calls_areCountedByMethodAndStatus_theirOwnAndRefusedOnes() throws Exception {
        var _ = NodeServiceGrpc.newBlockingStub(channel).getNode(GetNodeRequest.getDefaultInstance());
        assertThrows(
                StatusRuntimeException.class,
                () -> SandboxServiceGrpc.newBlockingStub(channel)
                        .deleteSandbox(DeleteSandboxRequest.newBuilder()
                                .setSandbox("none")
                                .build()));

        String node = "grpc_method=\"GetNode\",grpc_service=\"barchan.v1.NodeService\",grpc_type=\"unary\"}";
        String scrape = await("grpc_server_handled_total{grpc_code=\"OK\"," + node + " 1.0");
        assertHas(scrape, "grpc_server_started_total{" + node + " 1.0");
        assertHas(scrape, "grpc_server_handling_seconds_count{" + node + " 1");
        await("grpc_server_handled_total{grpc_code=\"NOT_FOUND\",grpc_method=\"DeleteSandbox\","
                + "grpc_service=\"barchan.v1.SandboxService\",grpc_type=\"unary\"} 1.0");
    }

    @Test
    void callThatItsClientLeaves_isCountedOnce() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        ClientCall<WatchEventsRequest, WatchEventsResponse> call =
                channel.newCall(EventServiceGrpc.getWatchEventsMethod(), CallOptions.DEFAULT);
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onMessage(WatchEventsResponse message) {
                        begun.countDown();
                    }
                },
                new Metadata());
        call.sendMessage(WatchEventsRequest.newBuilder().setFollow(true).build());
        call.halfClose();
        call.request(1);
        begun.await();
        call.cancel("seen enough", null);

        await("grpc_server_handled_total{grpc_code=\"CANCELLED\",grpc_method=\"WatchEvents\","
                + "grpc_service=\"barchan.v1.EventService\",grpc_type=\"server_streaming\"} 1.0");
    }

    @Test
    void scrape_isInTheFormatThatIsAskedFor() throws Exception {
        for (String format : List.of("text/plain", "application/openmetrics-text", "application/vnd.google.protobuf")) {
            HttpResponse<String> response =
                    get("/metrics?name[]=barchan_sandboxes", format + ";proto=io.prometheus.client.MetricFamily;q=0.7");

            assertEquals(200, response.statusCode(), format);
            assertTrue(response.body().contains("barchan_sandboxes"), format);
            assertEquals(
                    format,
                    response.headers().firstValue("Content-Type").orElse("").split(";", -1)[0]);
        }
    }

    /** Its server knows them before its first connection, or not at all. */
    @Test
    void connections_andTheTimeThatEachTakes_areBounded() {
        assertEquals("16", System.getProperty("jdk.httpserver.maxConnections"));
        assertEquals("10", System.getProperty("sun.net.httpserver.maxReqTime"));
        assertEquals("10", System.getProperty("sun.net.httpserver.maxRspTime"));
    }

    @Test
    void portThatIsTaken_isAnError() {
        assertThrows(
                BindException.class,
                () -> AgentMetrics.serve(
                        new InetSocketAddress(ANY_PORT.getAddress(), metrics.port()), sandboxes, "1.2.3"));
    }
}
