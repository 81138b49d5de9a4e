package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What an agent that is told to counts, as Prometheus gets it, and the next one from the beginning. */
class MetricsIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @Test
    void metrics_areServed_byEachAgentThatIsToldTo() throws Exception {
        int port = freePort();
        run(port, "exit 3").expect(3);
        String first = scrape(port);
        assertHas(first, "barchan_sandbox_start_seconds_count 1");
        assertHas(first, "barchan_sandbox_exits_total{cause=\"exited\",result=\"failed\"} 1.0");
        assertHas(first, "barchan_sandboxes{state=\"running\"} 0.0");
        assertTrue(first.contains("grpc_method=\"Run\""), first);

        HostProcess agent = barchan.agent();
        agent.kill();
        agent.awaitEnd(Barchan.CLEANED);
        run(port, "exit 0").expect(0);
        assertHas(scrape(port), "barchan_sandbox_exits_total{cause=\"exited\",result=\"succeeded\"} 1.0");
    }

    private static Result run(int port, String script) {
        ProcessBuilder builder = barchan.builder("run", "--", "sh", "-c", script);
        builder.environment().put("BARCHAN_METRICS", "127.0.0.1:" + port);
        return Barchan.launch(builder).result();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static String scrape(int port) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertEquals(200, response.statusCode());
            return response.body();
        }
    }

    private static void assertHas(String scrape, String sample) {
        assertTrue(scrape.lines().anyMatch(sample::equals), () -> sample + " in:\n" + scrape);
    }
}
