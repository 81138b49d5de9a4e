package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.Labels;
import org.barchan.host.sandbox.Lifetime;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.PublishedPort;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.v1.ProcessSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ports of this host that lead to fake sandboxes, in which whoever connects hears what they say, but for port 1. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class PublishedPortsTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    private final FakeWorld world;
    private final Sandboxes sandboxes;
    private final RecordingObserver observer = new RecordingObserver();

    PublishedPortsTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        sandboxes = world.sandboxes();
        sandboxes.reconcile();
    }

    @ParameterizedTest
    @CsvSource({
        "example.org,0,80,address 'example.org' (expected: an IP address)",
        "'',65536,80,host_port 65536 (expected: 0 to 65535)",
        "'',-1,80,host_port 4294967295 (expected: 0 to 65535)",
        "'',0,0,0 (expected: a port from 1 to 65535)"
    })
    void port_thatIsNone_isRefused(String address, int hostPort, int port, String problem) {
        assertEquals(
                problem,
                assertThrows(
                                IllegalArgumentException.class,
                                () -> PublishedPort.of(address, hostPort, new PortAddress.Tcp(port)))
                        .getMessage());
    }

    @Test
    void port_thatIsTaken_isNamed_andNothingIsStarted() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, LOOPBACK)) {
            SandboxException e = assertThrows(
                    SandboxException.class,
                    () -> start(
                            ClientLostPolicy.DELETE,
                            PublishedPort.of("", 0, new PortAddress.Tcp(80)),
                            PublishedPort.of("", taken.getLocalPort(), new PortAddress.Tcp(80))));
            assertEquals(Code.PRECONDITION, e.code());
            assertTrue(
                    String.valueOf(e.getMessage())
                            .startsWith("start.published_ports[1]: can't listen at 127.0.0.1:" + taken.getLocalPort()),
                    e.getMessage());
            assertEquals(List.of(), world.started);
            assertEquals(List.of(), sandboxes.list());
        }
    }

    @Test
    void published_leadsToTheSandbox_untilItEnds() throws Exception {
        start(
                ClientLostPolicy.DELETE,
                PublishedPort.of("", 0, new PortAddress.Tcp(80)),
                PublishedPort.of("", 0, new PortAddress.Tcp(1)));
        observer.awaitStarted();
        List<PublishedPort> ports = sandboxes.get("box").published();
        assertEquals("hello", said(ports.getFirst(), "hello"));
        assertNobody(ports.getLast());

        try (Socket open = connect(ports.getFirst())) {
            open.getOutputStream().write('x');
            assertEquals('x', open.getInputStream().read());
            world.started.getFirst().guest.exit(0);
            observer.termination();
            assertEnds(open);
        }
        assertThrows(IOException.class, () -> connect(ports.getFirst()).close());
    }

    @Test
    void published_ofAKeptSandbox_leadsToIt_withTheNextAgent() throws Exception {
        start(ClientLostPolicy.KEEP, PublishedPort.of("", 0, new PortAddress.Tcp(80)));
        observer.awaitStarted();
        PublishedPort port = sandboxes.get("box").published().getFirst();
        sandboxes.shutdown(Duration.ofSeconds(10));
        assertThrows(IOException.class, () -> connect(port).close());

        Sandboxes next = world.sandboxes();
        next.reconcile();
        assertEquals(List.of(port), next.get("box").published());
        assertEquals("again", said(port, "again"));
        next.delete("box");
    }

    @Test
    void datagrams_leadToTheSandbox_eachAddressForItself_untilItEnds() throws Exception {
        start(ClientLostPolicy.DELETE, PublishedPort.of("", 0, new PortAddress.Udp(53)));
        observer.awaitStarted();
        PublishedPort port = sandboxes.get("box").published().getFirst();
        InetSocketAddress to = new InetSocketAddress(LOOPBACK, port.host().getPort());
        try (DatagramSocket one = new DatagramSocket(0, LOOPBACK);
                DatagramSocket other = new DatagramSocket(0, LOOPBACK)) {
            for (int size : new int[] {3, 0, PortAddress.Udp.MAX_DATAGRAM}) {
                for (DatagramSocket socket : List.of(one, other)) {
                    socket.setSoTimeout(20_000);
                    byte[] sent = new byte[size];
                    Arrays.fill(sent, (byte) socket.getLocalPort());
                    socket.send(new DatagramPacket(sent, size, to));
                }
                for (DatagramSocket socket : List.of(one, other)) {
                    DatagramPacket got = new DatagramPacket(new byte[65536], 65536);
                    socket.receive(got);
                    assertEquals(size, got.getLength());
                    assertEquals(to.getPort(), got.getPort());
                    assertEquals(size == 0 ? 0 : (byte) socket.getLocalPort(), got.getData()[0]);
                }
            }
        }
        world.started.getFirst().guest.exit(0);
        observer.termination();
        sandboxes.shutdown(Duration.ofSeconds(10));
        new DatagramSocket(to).close();
    }

    @Test
    void datagrams_fromOneMoreAddress_takeThePlaceOfWhoWasSilentLongest() throws Exception {
        start(ClientLostPolicy.DELETE, PublishedPort.of("", 0, new PortAddress.Udp(53)));
        observer.awaitStarted();
        PublishedPort port = sandboxes.get("box").published().getFirst();
        InetSocketAddress to = new InetSocketAddress(LOOPBACK, port.host().getPort());
        List<DatagramSocket> others = new ArrayList<>();
        try (DatagramSocket known = new DatagramSocket(0, LOOPBACK)) {
            for (int i = 0; i < 3 * DatagramPort.MAX_FLOWS; i++) {
                DatagramSocket other = new DatagramSocket(0, LOOPBACK);
                others.add(other);
                // Those that have lost their place need a moment, in which others are lost.
                echoed(other, to);
                echoed(known, to);
            }
            assertEquals(
                    1 + 3 * DatagramPort.MAX_FLOWS,
                    world.started.getFirst().guest.connections.get(),
                    "the one that was used all the time has lost its place");
        } finally {
            others.forEach(DatagramSocket::close);
        }
        sandboxes.delete("box");
    }

    private static void echoed(DatagramSocket socket, InetSocketAddress to) throws IOException {
        socket.setSoTimeout(200);
        DatagramPacket got = new DatagramPacket(new byte[1], 1);
        for (int tries = 0; ; tries++) {
            socket.send(new DatagramPacket(new byte[1], 1, to));
            try {
                socket.receive(got);
                return;
            } catch (SocketTimeoutException e) {
                if (tries == 50) {
                    throw e;
                }
            }
        }
    }

    private void start(ClientLostPolicy policy, PublishedPort... ports) throws SandboxException {
        var _ = sandboxes.run(
                new RunOrder(
                        RunTest.spec(policy, world.root(), false, "box", Hypervisors.DEFAULT_URI),
                        ProcessSpec.newBuilder()
                                .addArgv(FakeWorld.bytes("true"))
                                .build(),
                        Optional.empty(),
                        FakeWorld.CLIENT,
                        false,
                        false,
                        RunOrder.Kept.DEFAULT,
                        List.of(ports),
                        Labels.NONE,
                        Lifetime.UNLIMITED),
                observer);
    }

    private static Socket connect(PublishedPort port) throws IOException {
        Socket socket = new Socket();
        socket.setSoTimeout(20_000);
        socket.connect(new InetSocketAddress(LOOPBACK, port.host().getPort()));
        return socket;
    }

    private static String said(PublishedPort port, String text) throws IOException {
        try (Socket socket = connect(port)) {
            byte[] sent = text.getBytes(StandardCharsets.UTF_8);
            socket.getOutputStream().write(sent);
            socket.shutdownOutput();
            byte[] got = socket.getInputStream().readAllBytes();
            assertArrayEquals(sent, got);
            return new String(got, StandardCharsets.UTF_8);
        }
    }

    private static void assertNobody(PublishedPort port) throws IOException {
        try (Socket socket = connect(port)) {
            assertEnds(socket);
        }
    }

    private static void assertEnds(Socket socket) throws IOException {
        try {
            assertEquals(-1, socket.getInputStream().read());
        } catch (SocketException e) {
            // It was reset: as good.
        }
    }
}
