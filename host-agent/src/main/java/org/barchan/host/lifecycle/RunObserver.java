package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.Map;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.Attached;
import org.barchan.v1.OutputGap;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.StdinProgress;

/**
 * Is told how a run goes. Calls come from several threads. After {@link #finished}, {@link #leftRunning} or {@link #failed}, exactly one of which is called,
 * there are no more. A client that is gone is no error here: what it is told is lost.
 */
public interface RunObserver {
    /** The sandbox exists, or has changed. */
    void sandbox(SandboxView sandbox);

    /** Something for people who wait; one line. */
    void progress(Level level, String message);

    /** Something that the guest wrote to its console, raw. Must not block. */
    void console(ByteString output);

    /** Something that the process did; blocks while the client does not read. */
    void event(ProcessEvent event) throws InterruptedException;

    /**
     * A piece of the archive of what the process has written to overlays; blocks while the client does not read.
     *
     * @param data empty: it is whole
     */
    void changes(ByteString data) throws InterruptedException;

    /** The process has ended; must not block. */
    void finished(ProcessEvent termination);

    /** The process has ended, as {@link #finished} will say when the machine is gone: what is to outlast the agent is written down. */
    default void record(ProcessEvent termination) {}

    /** The agent ends, and the process runs on without it. Must not block. */
    default void leftRunning() {
        failed(new SandboxException(
                SandboxException.Code.UNAVAILABLE, "the agent is stopping; the process runs on: attach again"));
    }

    /** The client has joined a process that runs. Must not block. */
    default void attached(Attached attached) {}

    /** Standard input has come so far. Must not block. */
    default void stdin(StdinProgress progress) {}

    /** The process has been started, and the client wants to know no more. Must not block. */
    default void detached(ProcessEvent started) {}

    /** Output that the client will not get, since it read more slowly than it is kept. */
    default void gap(OutputGap gap) throws InterruptedException {}

    /** The client is gone. */
    default void clientLost() {}

    /** The process was never started; must not block. */
    void failed(SandboxException reason);

    /** The run has come so far. */
    default void reached(Phase phase) {}

    /** The guest has just done these steps, one after the other, each of which took so long: what its configuration consists of. */
    default void guestDid(Map<String, Duration> steps) {}

    /** What a run gets through, in this order. One that takes a guest which has waited is configured at once. */
    enum Phase {
        /** Boot files are there, and what the sandbox is to see of the host. */
        PREPARED,
        /** The hypervisor has a machine. */
        MACHINE,
        /** Its guest has answered. */
        GUEST,
        CONFIGURED,
        STARTED,
        /** The process has written something. */
        OUTPUT,
        ENDED
    }

    /** How much a progress message matters. */
    enum Level {
        VERBOSE,
        INFO,
        WARNING
    }
}
