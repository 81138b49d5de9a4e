package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.barchan.host.port.PortConnection;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.SandboxException;

/**
 * A connection to what listens in a sandbox. One thread may write while another takes.
 *
 * <p>All methods that block throw {@code LOST} when who listens has reset it, the sandbox is gone, or it was broken off, as {@link PortConnection} has it.
 */
public final class SandboxConnection implements AutoCloseable {
    /** How many there may be at once in this process: with what waits on each, if nobody reads any, half of its memory. */
    public static final int MAX = 192;

    /** How many there may be at once to a sandbox, so that none takes the places of the others. */
    public static final int MAX_OF_SANDBOX = 96;

    private static final Semaphore PLACES = new Semaphore(MAX);

    private final PortConnection connection;
    private final Semaphore placesOfSandbox;
    private final Lifespan.Use use;
    private final AtomicBoolean closed = new AtomicBoolean();

    private SandboxConnection(PortConnection connection, Semaphore placesOfSandbox, Lifespan.Use use) {
        this.connection = connection;
        this.use = use;
        this.placesOfSandbox = placesOfSandbox;
    }

    /** @throws SandboxException as {@link Sandboxes#connect}, for a sandbox that is there */
    static SandboxConnection open(Sandbox sandbox, PortAddress address) throws SandboxException, InterruptedException {
        String action = "connecting to " + address + " of " + sandbox.id();
        LiveGuest live = sandbox.live(action);
        if (!sandbox.connectionPlaces().tryAcquire()) {
            throw new SandboxException(
                    SandboxException.Code.EXHAUSTED,
                    action + ": " + MAX_OF_SANDBOX
                            + " connections to it are open, as many as may be at once: close one");
        }
        if (!PLACES.tryAcquire()) {
            sandbox.connectionPlaces().release();
            throw new SandboxException(
                    SandboxException.Code.EXHAUSTED,
                    action + ": " + MAX + " connections are open by this agent, as many as may be at once: close one");
        }
        boolean connected = false;
        Lifespan.Use use = sandbox.use();
        try {
            SandboxConnection connection =
                    new SandboxConnection(live.guest().connect(address), sandbox.connectionPlaces(), use);
            connected = true;
            return connection;
        } finally {
            if (!connected) {
                use.close();
                PLACES.release();
                sandbox.connectionPlaces().release();
            }
        }
    }

    /** Sends bytes; blocks while who listens does not read. A datagram is lost instead when it can't be sent at once. */
    public void write(ByteString data) throws SandboxException, InterruptedException {
        connection.write(data);
    }

    /** Ends what is sent. */
    public void end() throws SandboxException {
        connection.end();
    }

    /** Returns what comes next; empty once nothing comes any more. */
    public Optional<ByteString> take() throws SandboxException, InterruptedException {
        return connection.take();
    }

    /** Returns once what is sent has been ended, for who has taken all that comes. */
    public void awaitEnd() throws SandboxException, InterruptedException {
        connection.awaitEnd();
    }

    /** Lets go of it: resets it, unless both sides have ended it. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            connection.close();
            PLACES.release();
            placesOfSandbox.release();
            use.close();
        }
    }
}
