package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A disk that is full, an agent that can open no more files: what is new is refused, what runs is none the worse. */
class RoomIT {
    /** The agent opens as many clients' connections at most as it has left for them. */
    private static final int MORE_CLIENTS = 100;

    /** Fewer than it leaves for what runs. */
    private static final int FEW = 60;

    private static Barchan barchan = new Barchan();
    private static Path parent = Path.of("/nonexistent");
    private static Path state = Path.of("/nonexistent");

    @BeforeAll
    static void startOnDiskOfItsOwn() throws Exception {
        Root.required("mounting a file system that can be filled");
        parent = Installation.makeParent();
        Installation installation = Installation.in(parent, "r");
        state = Files.createDirectory(installation.state());
        mount("mount", "-t", "tmpfs", "-o", "size=400m,mode=755", "barchan-test", state.toString());
        barchan = Barchan.in(installation);
        barchan.call("run", "--detach", "--name", "kept", "--", "sleep", "3600").expect(0);
    }

    @AfterAll
    static void end() throws Exception {
        if (Files.isDirectory(state)) {
            barchan.call("delete", "kept").expect(0);
            barchan.end();
            mount("umount", state.toString());
            Barchan.deleteTree(parent);
        }
    }

    private static void mount(String... command) throws Exception {
        assertEquals(0, new ProcessBuilder(command).inheritIO().start().waitFor());
    }

    @Test
    void fullDisk_refusesWhatIsNew_andSparesWhatRuns() throws Exception {
        Path filler = state.resolve("filler");
        try (Running own = startEcho()) {
            fill(filler);
            try {
                expectRefused("of disk left, and [0-9]+ KiB have to be left.*Make room there");
                goesOn(own);
                // There is room for its end.
                barchan.call("exec", "kept", "--", "true").expect(0);
            } finally {
                Files.delete(filler);
            }
            expectTaken();
            end(own);
        }
    }

    @Test
    void endOfProcess_onFullDisk_isKept() throws Exception {
        barchan.call("exec", "--detach", "--name", "job", "kept", "--", "sh", "-c", "echo begun; kill -STOP $$; exit 7")
                .expect(0);
        Path filler = state.resolve("filler");
        fill(filler);
        try {
            barchan.call("kill", "--signal", "CONT", "kept/job").expect(0);
            assertEquals("7\n", barchan.call("wait", "kept/job").expect(0).out());
            assertEquals("begun\n", barchan.call("logs", "kept/job").expect(0).out());
        } finally {
            Files.delete(filler);
        }
    }

    @Test
    void noDescriptorsLeft_refusesWhatIsNew_andSparesWhatRuns() throws Exception {
        List<SocketChannel> clients = new ArrayList<>();
        try (Running own = startEcho()) {
            HostProcess agent = barchan.agent();
            limit(agent, agent.openFiles() + FEW);
            try {
                expectRefused("of the agent's [0-9]+ file descriptors are in use.*LimitNOFILE");
                goesOn(own);
                barchan.call("exec", "kept", "--", "true").expect(0);
                // None is left at all.
                for (int client = 0; client < MORE_CLIENTS; client++) {
                    SocketChannel connection = SocketChannel.open(StandardProtocolFamily.UNIX);
                    connection.connect(
                            UnixDomainSocketAddress.of(barchan.installation().agentSocket()));
                    clients.add(connection);
                }
                goesOn(own);
            } finally {
                for (SocketChannel client : clients) {
                    client.close();
                }
                limit(agent, 4096);
            }
            expectTaken();
            end(own);
            assertEquals(agent.pid(), barchan.agent().pid());
        }
    }

    private static void limit(HostProcess agent, int descriptors) throws Exception {
        mount("prlimit", "--pid", Long.toString(agent.pid()), "--nofile=" + descriptors + ":");
    }

    /** Fills the disk to the last byte. */
    private static void fill(Path filler) throws IOException {
        byte[] piece = new byte[64 * 1024];
        try (OutputStream out = Files.newOutputStream(filler)) {
            while (true) {
                out.write(piece);
            }
        } catch (IOException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("No space left"), e::toString);
        }
    }

    private static Running startEcho() {
        return Barchan.launch(barchan.builder(
                        "run", "--", "sh", "-c", "echo ready; while read line; do echo got $line; done"))
                .awaitOut("ready");
    }

    private static void goesOn(Running own) {
        int before = own.outBytes();
        own.write("line" + before + "\n").awaitOut("got line" + before + "\n");
    }

    private static void end(Running own) {
        own.closeStdin().result().expect(0);
    }

    private static void expectRefused(String reason) {
        barchan.call("run", "--", "true").expect(125).expectStderr("starting a sandbox: .*" + reason);
        barchan.call("run", "--detach", "--", "true").expect(125).expectStderr("starting a sandbox: .*" + reason);
        barchan.call("exec", "--detach", "kept", "--", "true")
                .expect(125)
                .expectStderr("running a process in .*: .*" + reason);
        assertEquals(2, barchan.sandboxes().size());
    }

    private static void expectTaken() {
        assertEquals(
                "taken\n", barchan.call("run", "--", "echo", "taken").expect(0).out());
        barchan.call("exec", "--detach", "--rm", "kept", "--", "true").expect(0);
    }
}
