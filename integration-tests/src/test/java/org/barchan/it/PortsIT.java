package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Connections of this host to what listens in a sandbox, which has no network. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class PortsIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    /** Returns what it gets, once it has all of it; behind a '?' it reads nothing, at a '!' it sends 64 MB, and at an 'r' it resets. */
    private static final String SERVER = """
            import os, socket, socketserver, threading
            class Echo(socketserver.BaseRequestHandler):
                def handle(self):
                    first = self.request.recv(1)
                    if first == b'?':
                        threading.Event().wait()
                    if first == b'!':
                        self.request.sendall(b'x' * 64000000)
                        return
                    if first == b'r':
                        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\1\\0\\0\\0\\0\\0\\0\\0')
                        os.close(self.request.detach())
                        return
                    parts = [first]
                    while part := self.request.recv(65536):
                        parts.append(part)
                    self.request.sendall(b''.join(parts))
            class Tcp(socketserver.ThreadingTCPServer):
                daemon_threads = True
                request_queue_size = 100
            class Unix(socketserver.ThreadingUnixStreamServer):
                daemon_threads = True
            servers = [Tcp(('127.0.0.1', 8000), Echo), Unix('/tmp/echo', Echo)]
            for server in servers:
                threading.Thread(target=server.serve_forever).start()
            class Datagrams(socketserver.BaseRequestHandler):
                def handle(self):
                    self.request[1].sendto(self.request[0][::-1], self.client_address)
            datagrams = socketserver.ThreadingUDPServer(('127.0.0.1', 5300), Datagrams)
            datagrams.max_packet_size = 65536
            threading.Thread(target=datagrams.serve_forever).start()
            print('listening', flush=True)
            """;

    @BeforeAll
    static void start() throws Exception {
        barchan.call(
                        "run",
                        "--detach",
                        "--name",
                        "server",
                        "--publish",
                        "0:8000",
                        "--publish",
                        "0:5300/udp",
                        "--",
                        "python3",
                        "-c",
                        SERVER)
                .expect(0);
        try (Running logs = barchan.start("logs", "-f", "server")) {
            logs.awaitOut("listening");
        }
    }

    @AfterAll
    static void end() {
        barchan.call("delete", "server").expect(0);
        barchan.awaitNoSandbox();
    }

    private static Running forward(String... ports) {
        List<String> arguments = new ArrayList<>(List.of("port-forward", "--output", "json", "server"));
        arguments.addAll(List.of(ports));
        Running forward = barchan.start(arguments.toArray(String[]::new));
        forward.awaitOut("}\n");
        return forward;
    }

    /** Returns the first address that {@code port-forward} listens at. */
    private static InetSocketAddress address(Running forward) {
        JsonObject said = JsonParser.parseString(
                        forward.outText().lines().findFirst().orElseThrow())
                .getAsJsonObject();
        return new InetSocketAddress(
                InetAddress.ofLiteral(said.get("localAddress").getAsString()),
                said.get("localPort").getAsInt());
    }

    private static Socket connect(InetSocketAddress address) throws IOException {
        Socket socket = new Socket();
        socket.setSoTimeout(60_000);
        socket.connect(address);
        return socket;
    }

    private static byte[] exchange(InetSocketAddress address, byte[] sent) throws IOException {
        try (Socket socket = connect(address)) {
            socket.getOutputStream().write(sent);
            socket.shutdownOutput();
            return socket.getInputStream().readAllBytes();
        }
    }

    private static byte[] bytes(int size, long seed) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        bytes[0] = 'e';
        return bytes;
    }

    @Test
    void callsThatMakeNoSense_areRefused() {
        barchan.call("port-forward", "server", "8080:http").expect(125).expectStderr("a port from 1 to 65535");
        barchan.call("port-forward", "--address", "nowhere", "server", "80")
                .expect(125)
                .expectStderr("expected: an IP address");
        barchan.call("port-forward", "nobody", ":80").expect(125).expectStderr("nobody");
        try (Running forward = forward(":8000")) {
            barchan.call("port-forward", "server", address(forward).getPort() + ":80")
                    .expect(125)
                    .expectStderr(
                            "can't listen at 127.0.0.1:" + address(forward).getPort());
        }
    }

    @Test
    void portThatNobodyListensAt_closesTheConnection_andSaysSo() throws Exception {
        try (Running forward = forward(":8001", ":/tmp/missing")) {
            assertNothing(address(forward));
            forward.awaitErr("connect to TCP port 8001: connection refused");
            assertEquals(2, forward.outText().lines().count());
        }
    }

    private static void assertNothing(InetSocketAddress address) throws IOException {
        try (Socket socket = connect(address)) {
            assertEquals(-1, socket.getInputStream().read());
        } catch (SocketException e) {
            // It was reset: as good.
        }
    }

    @Test
    void bytes_goBothWays_andEachWayEndsByItself() throws Exception {
        try (Running forward = forward(":8000")) {
            byte[] sent = bytes(6_000_000, 1);
            assertArrayEquals(sent, exchange(address(forward), sent));
            forward.signal("INT");
            assertEquals(130, forward.result().status());
        }
    }

    @Test
    void reset_isPassedOn() throws Exception {
        try (Running forward = forward(":8000");
                Socket socket = connect(address(forward))) {
            socket.getOutputStream().write('r');
            boolean reset = false;
            try {
                reset = socket.getInputStream().read() >= 0;
            } catch (SocketException e) {
                reset = true;
            }
            assertTrue(reset, "it ended in order");
            forward.awaitErr("connection reset");
        }
    }

    @Test
    void manyAtOnce_eachGetsItsOwn() throws Exception {
        try (Running forward = forward(":8000");
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<byte[]>> all = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                byte[] sent = bytes(50_000, i);
                all.add(threads.submit(() -> exchange(address(forward), sent)));
            }
            for (int i = 0; i < 40; i++) {
                assertArrayEquals(bytes(50_000, i), all.get(i).get());
            }
        }
    }

    @Test
    void whoDoesNotRead_holdsBackNobodyElse() throws Exception {
        try (Running forward = forward(":8000");
                Socket notRead = connect(address(forward));
                ExecutorService writer = Executors.newSingleThreadExecutor();
                Socket notReading = connect(address(forward))) {
            notRead.getOutputStream().write('!');
            Future<?> blocked = writer.submit(() -> {
                notReading.getOutputStream().write('?');
                notReading.getOutputStream().write(new byte[64_000_000]);
                return true;
            });
            byte[] sent = bytes(2_000_000, 3);
            assertArrayEquals(sent, exchange(address(forward), sent));
            assertEquals(
                    "still",
                    barchan.call("exec", "server", "--", "printf", "still")
                            .expect(0)
                            .out());
            assertFalse(blocked.isDone(), "64 MB were taken, though nobody reads them");
            try (InputStream late = notRead.getInputStream()) {
                assertEquals(1_000_000, late.readNBytes(1_000_000).length);
            }
        }
    }

    @Test
    void unixSockets_atBothEnds(@TempDir Path directory) throws Exception {
        Path socket = directory.resolve("here");
        try (Running forward = forward(socket + ":/tmp/echo")) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
            try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                channel.write(ByteBuffer.wrap("hello".getBytes(StandardCharsets.UTF_8)));
                channel.shutdownOutput();
                ByteBuffer got = ByteBuffer.allocate(100);
                while (channel.read(got) >= 0) {
                    // Until its end.
                }
                assertEquals("hello", new String(got.array(), 0, got.position(), StandardCharsets.UTF_8));
            }
            forward.signal("TERM");
            assertEquals(143, forward.result().status());
            assertFalse(Files.exists(socket), "it leaves its socket");
        }
    }

    private static InetSocketAddress published() {
        JsonObject port = barchan.sandbox("server")
                .getAsJsonArray("publishedPorts")
                .get(0)
                .getAsJsonObject();
        assertEquals(8000, port.get("port").getAsInt());
        return new InetSocketAddress(
                InetAddress.ofLiteral(port.get("address").getAsString()),
                port.get("hostPort").getAsInt());
    }

    @Test
    void datagrams_thereAndBack_areWhole() throws Exception {
        JsonObject published = barchan.sandbox("server")
                .getAsJsonArray("publishedPorts")
                .get(1)
                .getAsJsonObject();
        assertEquals("udp", published.get("protocol").getAsString());
        exchangeDatagrams(new InetSocketAddress(
                InetAddress.ofLiteral(published.get("address").getAsString()),
                published.get("hostPort").getAsInt()));
        try (Running forward = forward(":5300/udp")) {
            exchangeDatagrams(address(forward));
        }
    }

    /** Two at a time, of which each gets its own. */
    private static void exchangeDatagrams(InetSocketAddress address) throws IOException {
        try (DatagramSocket one = new DatagramSocket();
                DatagramSocket other = new DatagramSocket()) {
            for (int size : new int[] {5, 0, 1400, 65_000}) {
                for (DatagramSocket socket : List.of(one, other)) {
                    socket.setSoTimeout(20_000);
                    byte[] sent = new byte[size];
                    new Random(socket.getLocalPort()).nextBytes(sent);
                    socket.send(new DatagramPacket(sent, size, address));
                    DatagramPacket got = new DatagramPacket(new byte[65_536], 65_536);
                    socket.receive(got);
                    assertEquals(size, got.getLength());
                    for (int i = 0; i < size; i++) {
                        assertEquals(sent[i], got.getData()[size - 1 - i]);
                    }
                }
            }
        }
    }

    /** Sends a word to a port of the sandbox's loopback from inside, and writes what comes back. */
    private static final String SAY = """
            import socket, sys
            with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as s:
                s.sendall(b'x' * 300000 + b'end')
                s.shutdown(socket.SHUT_WR)
                got = b''
                while part := s.recv(65536):
                    got += part
                print(len(got), got[-3:].decode())
            """;

    private static Running reverse(String ports) {
        Running forward = barchan.start("port-forward", "--reverse", "--output", "json", "server", ports);
        forward.awaitOut("}\n");
        return forward;
    }

    private static String sandboxPort(Running reverse) {
        return JsonParser.parseString(reverse.outText())
                .getAsJsonObject()
                .get("sandboxPort")
                .getAsString();
    }

    /** Returns all that it gets to each that connects, until it is closed. */
    private static void echo(ServerSocketChannel server) {
        try {
            while (true) {
                try (SocketChannel socket = server.accept()) {
                    ByteBuffer got = ByteBuffer.allocate(400_000);
                    while (socket.read(got) >= 0) {
                        // Until its end.
                    }
                    got.flip();
                    while (got.hasRemaining()) {
                        socket.write(got);
                    }
                }
            }
        } catch (IOException e) {
            // It is closed.
        }
    }

    @Test
    void reverse_whatListensHere_isReachedFromTheSandbox_untilItEnds(@TempDir Path directory) throws Exception {
        Path path = directory.resolve("echo");
        try (ServerSocketChannel tcp =
                        ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0));
                ServerSocketChannel unix =
                        ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path))) {
            Thread.ofVirtual().start(() -> echo(tcp));
            Thread.ofVirtual().start(() -> echo(unix));
            int here = ((InetSocketAddress) tcp.getLocalAddress()).getPort();
            for (String target : List.of(Integer.toString(here), path.toString())) {
                try (Running forward = reverse(":" + target)) {
                    String port = sandboxPort(forward);
                    for (int i = 0; i < 2; i++) {
                        assertEquals(
                                "300003 end\n",
                                barchan.call("exec", "server", "--", "python3", "-c", SAY, port)
                                        .expect(0)
                                        .out());
                    }
                    forward.signal("INT");
                    assertEquals(130, forward.result().status());
                    barchan.call("exec", "server", "--", "python3", "-c", SAY, port)
                            .expect(1)
                            .expectStderr("Error");
                }
            }
        }
    }

    @Test
    void reverse_whereNobodyListensHere_resetsTheConnection_andSaysSo(@TempDir Path directory) {
        Path missing = directory.resolve("missing");
        try (Running forward = reverse(":" + missing)) {
            barchan.call("exec", "server", "--", "python3", "-c", SAY, sandboxPort(forward))
                    .expect(1)
                    .expectStderr("Error");
            forward.awaitErr("connecting to " + missing);
        }
    }

    @Test
    void reverse_portThatIsTaken_isSaid() {
        barchan.call("port-forward", "--reverse", "server", "8000:1")
                .expect(125)
                .expectStderr("listen at TCP port 8000: address in use");
        barchan.call("port-forward", "--reverse", "server", "8000:http")
                .expect(125)
                .expectStderr("a port from 1 to 65535");
    }

    @Test
    void publishedPort_thatIsTaken_isNamed() {
        barchan.call("run", "--publish", published().getPort() + ":80", "--", "true")
                .expect(125)
                .expectStderr("published_ports\\[0\\]: can't listen at 127.0.0.1:"
                        + published().getPort());
        barchan.call("run", "--publish", "80", "--", "true").expect(125).expectStderr("HOSTPORT:PORT");
    }

    @Test
    void publishedPort_leadsThere_alsoWithTheNextAgent() throws Exception {
        InetSocketAddress address = published();
        byte[] sent = bytes(1_000_000, 5);
        assertArrayEquals(sent, exchange(address, sent));
        Running.signal("KILL", barchan.agent().pid());
        assertEquals(address, published());
        assertArrayEquals(sent, exchange(address, sent));
    }

    @Test
    void endOfTheSandbox_endsIt() throws Exception {
        barchan.call("run", "--detach", "--name", "short", "--", "sleep", "600").expect(0);
        try (Running forward = barchan.start("port-forward", "short", ":80")) {
            forward.awaitOut("Forwarding from 127.0.0.1:").awaitOut(" -> 80\n");
            barchan.call("delete", "short").expect(0);
            assertEquals(0, forward.result().status());
        }
    }
}
