package org.barchan.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.barchan.client.AgentAccess;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.ProcessSpec;
import org.barchan.client.Run;
import org.barchan.client.RunListener;
import org.barchan.client.StandardStream;
import org.barchan.client.Termination;

/** A sandbox in which processes are run by the client library, over one connection. */
final class KeptSandbox implements AutoCloseable {
    private final Bench bench;
    private final String name;
    private final BarchanClient client;

    /** Starts it. */
    KeptSandbox(Bench bench, Path agentSocket, String name, String... command)
            throws IOException, InterruptedException {
        this.bench = bench;
        this.name = name;
        String[] arguments = new String[command.length + 7];
        System.arraycopy(new String[] {"run", "--accel", "tcg", "--detach", "--name", name, "--"}, 0, arguments, 0, 7);
        System.arraycopy(command, 0, arguments, 7, command.length);
        bench.call(arguments);
        try {
            client = BarchanClient.connect(new AgentAccess(agentSocket, Optional.empty()));
        } catch (BarchanException e) {
            throw new IOException("connecting to the agent: " + e.getMessage(), e);
        }
    }

    /** A process of it. */
    final class Started implements RunListener {
        private final AtomicLong bytes = new AtomicLong();
        private final Run run;

        private Started(String... command) {
            run = client.exec(name, ProcessSpec.builder(command).build(), this);
        }

        @Override
        public void onOutput(StandardStream stream, ByteBuffer data) {
            bytes.addAndGet(data.remaining());
        }

        /** Waits for its end; returns how much it has written. */
        long await() throws IOException, InterruptedException {
            try {
                Termination termination = run.await();
                if (!termination.result().equals(new Termination.Exited(0))) {
                    throw new IOException("a process of " + name + " ended so: " + termination.result());
                }
                return bytes.get();
            } catch (BarchanException e) {
                throw new IOException("a process of " + name + ": " + e.getMessage(), e);
            }
        }
    }

    Started exec(String... command) {
        return new Started(command);
    }

    @Override
    public void close() throws IOException {
        client.close();
        try {
            bench.call("delete", name);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
