package org.barchan.client.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.Status;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.barchan.client.AgentAccess;
import org.barchan.client.BarchanException;
import org.barchan.client.PortForward;
import org.barchan.client.PortTarget;
import org.barchan.client.ReverseForward;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Connections and datagrams of this host, carried to a sandbox and from it. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ForwardingTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
    private static final InetSocketAddress ANY = new InetSocketAddress(LOOPBACK, 0);

    private final FakePortAgent agent;
    private final BlockingQueue<BarchanException> failures = new LinkedBlockingQueue<>();

    ForwardingTest(@TempDir Path directory) throws IOException {
        agent = new FakePortAgent(directory);
    }

    @AfterEach
    void close() {
        agent.close();
    }

    private SandboxListener reverse(int port, InetSocketAddress target) throws BarchanException {
        return SandboxListener.listen(agent.socket, "box", port, target, failures::add);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void connection_isCarriedToTheSandbox_eachWayEndsByItself() throws Exception {
        try (PortListener listener =
                        PortListener.listen(agent.socket, "box", ANY, new PortTarget.Tcp(80), failures::add);
                Socket socket = new Socket(LOOPBACK, ((InetSocketAddress) listener.local()).getPort())) {
            socket.getOutputStream().write(bytes("hello"));
            socket.shutdownOutput();
            assertArrayEquals(bytes("hello"), socket.getInputStream().readAllBytes());
            assertEquals(80, agent.connections.take().getTcpPort());
        }
        assertEquals(List.of(), List.copyOf(failures));
    }

    @Test
    void connectionFromTheSandbox_isCarriedHere_asOftenAsOneIsMade() throws Exception {
        try (ServerSocket here = new ServerSocket(0, 5, LOOPBACK);
                SandboxListener listener = reverse(0, (InetSocketAddress) here.getLocalSocketAddress())) {
            assertEquals(FakePortAgent.PORT, listener.port());
            FakePortAgent.Listening listening = agent.awaitListening();
            assertEquals("box", listening.request().getSandbox());
            for (long id : new long[] {7, -1}) {
                listening.accept(id);
                try (Socket accepted = here.accept()) {
                    accepted.getOutputStream().write(bytes("hello"));
                    accepted.shutdownOutput();
                    assertArrayEquals(bytes("hello"), accepted.getInputStream().readAllBytes());
                }
                assertEquals(id, FakePortAgent.await(agent.connections).getAcceptedConnection());
            }
        }
        assertEquals(List.of(), List.copyOf(failures));
    }

    @Test
    void connectionFromTheSandbox_whereNobodyListensHere_isTakenAndReset() throws Exception {
        int nobody;
        try (ServerSocket here = new ServerSocket(0, 5, LOOPBACK)) {
            nobody = here.getLocalPort();
        }
        try (SandboxListener _ = reverse(0, new InetSocketAddress(LOOPBACK, nobody))) {
            agent.awaitListening().accept(7);
            assertEquals(7, FakePortAgent.await(agent.reset).getAcceptedConnection());
            assertEquals(
                    BarchanException.Code.PRECONDITION,
                    FakePortAgent.await(failures).code());
        }
    }

    @Test
    void agentThatGoes_isFollowedByTheNext_atTheSamePort() throws Exception {
        try (ServerSocket here = new ServerSocket(0, 5, LOOPBACK);
                SandboxListener _ = reverse(0, (InetSocketAddress) here.getLocalSocketAddress())) {
            agent.awaitListening().fail(Status.UNAVAILABLE);
            FakePortAgent.Listening again = agent.awaitListening();
            assertEquals(FakePortAgent.PORT, again.request().getTcpPort());
            again.accept(8);
            here.accept().close();
            agent.refuse(Status.NOT_FOUND);
            again.fail(Status.ABORTED);
            assertEquals(
                    BarchanException.Code.NOT_FOUND,
                    FakePortAgent.await(failures).code());
        }
    }

    @Test
    void portThatCanNotBeListenedAt_isSaid() {
        agent.refuse(Status.FAILED_PRECONDITION);
        assertEquals(
                BarchanException.Code.PRECONDITION,
                assertThrows(BarchanException.class, () -> reverse(80, new InetSocketAddress(LOOPBACK, 80)))
                        .code());
    }

    private static byte[] exchange(DatagramSocket socket, DatagramListener listener, byte[] sent) throws IOException {
        socket.setSoTimeout(20_000);
        socket.send(new DatagramPacket(sent, sent.length, listener.local()));
        DatagramPacket got = new DatagramPacket(new byte[65536], 65536);
        socket.receive(got);
        return Arrays.copyOf(got.getData(), got.getLength());
    }

    @Test
    void datagrams_areWhole_andGoBackWhereTheyAreFrom() throws Exception {
        try (DatagramListener listener =
                        DatagramListener.listen(agent.socket, "box", ANY, new PortTarget.Udp(53), failures::add);
                DatagramSocket one = new DatagramSocket(ANY);
                DatagramSocket other = new DatagramSocket(ANY)) {
            for (int size : new int[] {3, 0, 65507}) {
                for (DatagramSocket socket : List.of(one, other)) {
                    byte[] sent = new byte[size];
                    Arrays.fill(sent, (byte) socket.getLocalPort());
                    assertArrayEquals(sent, exchange(socket, listener, sent));
                }
            }
            assertEquals(53, FakePortAgent.await(agent.connections).getUdpPort());
            assertEquals(53, FakePortAgent.await(agent.connections).getUdpPort());
            assertEquals(0, agent.connections.size());
        }
        assertEquals(List.of(), List.copyOf(failures));
    }

    @Test
    void datagrams_fromMoreAddressesThanMayBe_areCarried_andWhoWasSilentLongestIsForgotten() throws Exception {
        List<DatagramSocket> sockets = new ArrayList<>();
        try (DatagramListener listener =
                DatagramListener.listen(agent.socket, "box", ANY, new PortTarget.Udp(53), failures::add)) {
            // All of them stay open: another one could get the port of one that is closed.
            for (int i = 0; i < 70; i++) {
                DatagramSocket socket = new DatagramSocket(ANY);
                sockets.add(socket);
                assertArrayEquals(new byte[1], exchange(socket, listener, new byte[1]));
            }
            for (int i = 0; i < 6; i++) {
                assertEquals(53, FakePortAgent.await(agent.reset).getUdpPort());
            }
        } finally {
            sockets.forEach(DatagramSocket::close);
        }
        assertEquals(List.of(), List.copyOf(failures));
    }

    /** The next agent may know another sandbox by a name. */
    @Test
    void sandbox_isTheOneThatHadTheNameAtFirst() throws Exception {
        try (AgentConnection connection = new AgentConnection(
                        new AgentAccess(agent.socket, Optional.empty()), new AgentChannel(agent.socket));
                ReverseForward _ =
                        connection.forwardReverse("box", 0, new InetSocketAddress(LOOPBACK, 80), failures::add);
                PortForward forward = connection.forward("box", ANY, new PortTarget.Udp(53), failures::add);
                DatagramSocket socket = new DatagramSocket(ANY)) {
            assertEquals("id-of-box", agent.awaitListening().request().getSandbox());
            socket.send(new DatagramPacket(new byte[1], 1, forward.local()));
            assertEquals("id-of-box", FakePortAgent.await(agent.connections).getSandbox());
        }
    }

    @Test
    void flowThatFails_isSaid_andFollowedByAnother() throws Exception {
        agent.refuse(Status.FAILED_PRECONDITION);
        try (DatagramListener listener =
                        DatagramListener.listen(agent.socket, "box", ANY, new PortTarget.Udp(53), failures::add);
                DatagramSocket socket = new DatagramSocket(ANY)) {
            for (int i = 0; i < 2; i++) {
                BarchanException failure;
                do {
                    // One that comes before the flow is forgotten is lost with it.
                    socket.send(new DatagramPacket(new byte[1], 1, listener.local()));
                    failure = failures.poll(100, TimeUnit.MILLISECONDS);
                } while (failure == null);
                assertEquals(BarchanException.Code.PRECONDITION, failure.code());
            }
        }
    }
}
