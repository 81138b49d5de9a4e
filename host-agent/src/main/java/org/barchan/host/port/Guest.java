package org.barchan.host.port;

import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.barchan.host.sandbox.PortAddress;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.v1.ListenRequest;
import org.barchan.v1.ListenResponse;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.TerminalSize;
import org.barchan.v1.Termination;
import org.barchan.v1.TerminationCause;

/**
 * A guest's init. Safe for use by many threads; calls block. A guest is hostile: what it sends is bounded in size, number and time,
 * and its text has its control characters escaped.
 *
 * <p>All methods throw {@code TIMEOUT} when the guest does not answer, {@code LOST} when it is gone.
 */
public interface Guest extends AutoCloseable {
    /**
     * Returns who the guest is; returns as soon as it is up.
     *
     * @param deadline how long to wait for a guest that boots
     */
    GuestHello hello(Duration deadline) throws SandboxException, InterruptedException;

    /**
     * Has it do what any sandbox needs, before {@link #configure}: those that go on from it when it is saved then have less to do.
     *
     * @param kernelModules as in {@link GuestConfiguration}
     */
    void prepare(List<String> kernelModules) throws SandboxException, InterruptedException;

    /** Has it zero what memory is free, before {@link #configure}: what is saved of it then is small. */
    void zeroFreeMemory() throws SandboxException, InterruptedException;

    /**
     * Makes the sandbox; {@code PRECONDITION} when a step fails, saying which and why.
     *
     * @param findDevices whether its machine has more devices than when it booted
     */
    Configured configure(GuestConfiguration configuration, boolean findDevices)
            throws SandboxException, InterruptedException;

    /** Gives a configured guest that has waited a sandbox's name, and random numbers and the time. */
    void personalize(SandboxName hostname) throws SandboxException, InterruptedException;

    /**
     * What came of configuring.
     *
     * @param bootId the guest kernel's boot id
     * @param warnings what to beware of, a line each
     * @param steps what it has done and how long that took, in order
     */
    record Configured(String bootId, List<String> warnings, Map<String, Duration> steps) {
        public Configured {
            warnings = List.copyOf(warnings);
            steps = Collections.unmodifiableMap(new LinkedHashMap<>(steps));
        }
    }

    /**
     * Starts a process and connects to its standard streams. The first event of these is {@code started}, or, when it could not be
     * started, the termination.
     *
     * @param processId unique in the guest's life
     */
    ProcessConnection start(String processId, ProcessSpec spec);

    /** Connects to the standard streams of a process that was started before, from the given offsets on. */
    ProcessConnection attach(String processId, long stdoutOffset, long stderrOffset);

    /**
     * Connects to what listens in the guest.
     *
     * @throws SandboxException {@code NOT_FOUND}: no such socket; {@code PRECONDITION}: nobody accepts there; {@code EXHAUSTED}: there are
     *     as many connections as may be
     */
    PortConnection connect(PortAddress address) throws SandboxException, InterruptedException;

    /**
     * Listens in the guest; returns only by an exception.
     *
     * @param request which sandbox it names is not looked at
     * @param taker told the port, and each connection that is made there
     * @throws SandboxException {@code PRECONDITION}: it can't listen there; {@code EXHAUSTED}: it listens at as many ports as it may
     * @throws IOException what the taker throws
     */
    void listen(ListenRequest request, GuestFiles.Taker<ListenResponse> taker)
            throws SandboxException, InterruptedException, IOException;

    /** Sends a signal to the process's group; does nothing when it has ended. */
    void signal(String processId, int signal, TerminationCause cause) throws SandboxException, InterruptedException;

    /** Gives the terminal of a process another size; does nothing when it has ended. */
    void resizeTerminal(String processId, TerminalSize size) throws SandboxException, InterruptedException;

    /** Lets the guest drop what it knows of a process: once that has ended, its output thrown away meanwhile. */
    void forget(String processId) throws SandboxException, InterruptedException;

    /** Returns when the process has ended. */
    Termination waitProcess(String processId) throws SandboxException, InterruptedException;

    /**
     * Reads what was written to overlays.
     *
     * @param content whether what is in regular files is read too
     * @throws SandboxException what the guest says, also {@code LOST} when it sends what no honest one does
     * @throws IOException what the taker throws
     */
    void readChanges(boolean content, ChangeTaker taker) throws SandboxException, InterruptedException, IOException;

    /**
     * Returns what the sandbox takes.
     *
     * @param maxProcesses of how many processes; at most 512 are told of
     * @throws SandboxException what the guest says, also {@code LOST} when it sends what no honest one does
     */
    GuestUsage usage(int maxProcesses) throws SandboxException, InterruptedException;

    /** Returns the files of the sandbox. */
    GuestFiles files();

    /**
     * Ends all processes and has the guest write out what images of the host are to have.
     *
     * @return what could not be written, a line each
     */
    List<String> settle() throws SandboxException, InterruptedException;

    /** Asks the guest to power off; returns at once, whether it does or not. */
    void shutdown();

    /**
     * Ends what there is with the guest, which runs on; returns when that waits for whoever connects next. No call may be under way, and
     * none follow.
     */
    void leave() throws SandboxException, InterruptedException;

    /** Lets go of the guest, which runs on. */
    @Override
    void close();
}
