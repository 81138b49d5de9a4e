package org.barchan.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.barchan.client.internal.AgentConnection;
import org.barchan.client.internal.AgentLauncher;
import org.jspecify.annotations.Nullable;

/**
 * A connection to an agent.
 *
 * {@snippet :
 * try (BarchanClient client = BarchanClient.connect(access)) {
 *     RunResult result = client.run(RunSpec.of(SandboxSpec.DEFAULT, ProcessSpec.builder("uname", "-r").build()), 1 << 20);
 * }
 * }
 *
 * <p>Thread-safe. Closing it ends the runs that are under way.
 */
public final class BarchanClient implements AutoCloseable {
    private final AgentConnection connection;

    private BarchanClient(AgentConnection connection) {
        this.connection = connection;
    }

    /** Returns the version of this library, for example "0.1.0". */
    public static String version() {
        try (InputStream in = BarchanClient.class.getResourceAsStream("version.properties")) {
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException("reading version.properties of the client's jar", e);
        }
    }

    /**
     * Connects to the agent, after starting one if none listens and {@code access} says how.
     *
     * @throws BarchanException UNAVAILABLE if none answers or can be started, VERSION if it is of another version than this library
     */
    public static BarchanClient connect(AgentAccess access) throws BarchanException {
        return new BarchanClient(AgentLauncher.connect(access));
    }

    /**
     * Asks the agent that listens what it is, whatever its version. Starts none.
     *
     * @return empty if no agent listens
     * @throws BarchanException if one listens and does not answer
     */
    public static Optional<AgentInfo> findAgent(AgentAccess access) throws BarchanException {
        return AgentLauncher.find(access);
    }

    /**
     * Starts a process in a new sandbox. Returns at once; if the agent has just left, another is started for it.
     *
     * @param listener called by threads of the library
     */
    public Run start(RunSpec spec, RunListener listener) {
        return connection.run(spec, listener);
    }

    /**
     * Keeps what is to be run, under an id and a name of its own, and starts nothing: {@link #startCreated} does that, once, also with agents that come
     * later. What it needs of the agent's host is looked for then.
     *
     * @param spec with {@link ClientLostPolicy#KEEP}; {@link KeepSpec#detach} counts for nothing
     * @return the sandbox, in {@link SandboxState#CREATED}
     * @throws BarchanException INVALID if something in it is wrong, or takes a client that stays; ALREADY_EXISTS if a live sandbox has that name, or
     *     one that is to be started; EXHAUSTED if there is no room to keep it
     */
    public Sandbox create(RunSpec spec) throws BarchanException {
        return connection.create(spec);
    }

    /**
     * Starts what {@link #create} has kept. Returns at once. From then on it is as if {@link #start} had begun it. If its process could not be started, it
     * is as it was.
     *
     * @param detach whether the run is over, for this client, when the process has been started: {@link Termination.Detached}
     * @param listener called by threads of the library
     * @return fails with NOT_FOUND if there is none of that id or name, PRECONDITION if it was started before, and as that of {@link #start}
     */
    public Run startCreated(String idOrName, boolean detach, RunListener listener) {
        return connection.startCreated(idOrName, detach, listener);
    }

    /**
     * Starts one more process in a sandbox that is there. Returns at once. It ends with the sandbox, and when the run is cancelled.
     *
     * @param listener called by threads of the library; is told of no sandbox
     * @return fails with NOT_FOUND if none of that id or name lives, PRECONDITION if its own process does not run
     */
    public Run exec(String idOrName, ProcessSpec process, RunListener listener) {
        return exec(idOrName, ExecSpec.of(process), listener);
    }

    /**
     * Starts one more process in a sandbox that is there. Returns at once. It ends with the sandbox. One that outlives its client, which takes a
     * sandbox with {@link ClientLostPolicy#KEEP}, goes on with the next agent when the agent goes.
     *
     * @param listener called by threads of the library; is told of the sandbox if the process outlives its client
     * @return fails as {@link #exec(String, ProcessSpec, RunListener)} says; with PRECONDITION, too, if nothing is kept of the sandbox; with
     *     ALREADY_EXISTS if another process of that id is kept
     */
    public Run exec(String idOrName, ExecSpec spec, RunListener listener) {
        return connection.exec(idOrName, spec, listener);
    }

    /**
     * Joins a process with {@link ClientLostPolicy#KEEP}. Returns at once. Any number of clients get its
     * output; the one that has come last sends it standard input. When the agent goes, the next one is attached to, and neither input nor output
     * is lost. Cancelling the run leaves the process as it is; closing its input is the end of the process's.
     *
     * @param processName id or name of a sandbox, for the process that it was made for; of another, with "/" and its id behind
     * @param listener called by threads of the library; {@code onStarted} when the process has been joined
     * @return fails with NOT_FOUND if there is none of that id or name, PRECONDITION if nothing is kept of it, it is still starting, or it has
     *     ended
     */
    public Run attach(String processName, AttachSpec spec, RunListener listener) {
        return connection.attach(processName, spec, listener);
    }

    /**
     * Runs a process in a new sandbox without input and waits for its end.
     *
     * @param captureLimit the most that is kept of each output stream, in bytes
     * @throws BarchanException if the run fails; a process that exits with another status than 0 is no failure
     * @throws InterruptedException if the thread is interrupted; the run is cancelled
     */
    public RunResult run(RunSpec spec, int captureLimit) throws BarchanException, InterruptedException {
        CapturingListener listener = new CapturingListener(captureLimit);
        Run run = start(spec, listener);
        try {
            run.stdin().close();
            Termination termination = run.await();
            return new RunResult(termination, Optional.ofNullable(listener.sandbox), listener.stdout, listener.stderr);
        } catch (IOException e) {
            throw new BarchanException(
                    BarchanException.Code.INTERNAL, "closing the input failed: " + e.getMessage(), e);
        } finally {
            run.cancel();
        }
    }

    /** Returns what the agent is. */
    public AgentInfo agent() throws BarchanException {
        return connection.agent();
    }

    /** Returns all live sandboxes, the oldest first. */
    public List<Sandbox> list() throws BarchanException {
        return connection.list();
    }

    /** Returns all live sandboxes, those that are to be started, and those that have ended and are kept, the oldest first. */
    public List<Sandbox> listAll() throws BarchanException {
        return connection.listAll();
    }

    /**
     * Returns the sandboxes that pass a filter, the oldest first.
     *
     * @throws BarchanException INVALID if a part of it is nothing that a sandbox can have
     */
    public List<Sandbox> list(SandboxFilter filter) throws BarchanException {
        return connection.list(filter);
    }

    /**
     * Waits for the end of a process: at once, if it has ended and is kept. Goes on with the next agent when the agent goes.
     *
     * @param processName id or name of a sandbox, for the process that it was made for; of another that is kept, with "/" and its id behind
     * @throws BarchanException NOT_FOUND if there is none of that id or name, PRECONDITION if its process was not started
     */
    public Termination await(String processName) throws BarchanException {
        return connection.await(processName);
    }

    /**
     * Returns the processes of a sandbox: the one that it was made for, those that run, and those that have ended and are kept; the oldest first.
     *
     * @throws BarchanException NOT_FOUND if there is no sandbox of that id or name
     */
    public List<SandboxProcess> processes(String idOrName) throws BarchanException {
        return connection.processes(idOrName);
    }

    /**
     * Reads what is kept of a process, from its beginning on.
     *
     * @param processName as in {@link #await}
     * @param follow whether to wait for more until the process has ended; goes on with the next agent when the agent goes
     * @param since leaves out what came before
     * @param listener called by this thread
     * @throws BarchanException NOT_FOUND if there is none of that id or name, PRECONDITION if nothing is kept of it
     * @throws UncheckedIOException what the listener throws
     */
    public void readLog(String processName, boolean follow, Optional<Instant> since, LogListener listener)
            throws BarchanException {
        connection.readLog(processName, follow, since, listener);
    }

    /**
     * Watches what happens to sandboxes and their processes, in order; goes on with the next agent when the agent goes, behind what was told last.
     * Returns at the end of what there is, or, where it is followed, when its time has come; closing this client ends it, too.
     *
     * @param listener called by this thread
     * @throws BarchanException OUT_OF_RANGE if what comes next is not kept any more, or the cursor is none of this agent's: begin anew, and look
     *     at what there is; INVALID if a cursor was never given out
     * @throws UncheckedIOException what the listener throws
     */
    public void events(EventSpec spec, EventListener listener) throws BarchanException {
        connection.events(spec, listener);
    }

    /**
     * Returns one sandbox; of a name, the live one, else the one that is to be started, else the one that ended last.
     *
     * @throws BarchanException NOT_FOUND if there is none of that id or name
     */
    public Sandbox get(String idOrName) throws BarchanException {
        return connection.get(idOrName);
    }

    /**
     * Gives a sandbox another name, also one that has ended; the host name of its guest stays.
     *
     * @return it as it is now
     * @throws BarchanException NOT_FOUND if there is none of that id or name, ALREADY_EXISTS if the new name is taken, PRECONDITION while it
     *     starts or is taken down
     */
    public Sandbox rename(String idOrName, String newName) throws BarchanException {
        return connection.rename(idOrName, newName);
    }

    /**
     * Ends a sandbox and all that runs in it, and returns when nothing of it is left.
     *
     * @throws BarchanException NOT_FOUND if none of that id or name lives
     */
    public void delete(String idOrName) throws BarchanException {
        connection.delete(idOrName);
    }

    /**
     * Ends a sandbox in order: sends a signal to the process that it was made for, and ends it as {@link #delete} when that has not ended in
     * time, or does not run. Returns when nothing of it is left.
     *
     * @param signal Linux number, 1 to 64
     * @param timeout how long the process may take, at most a day
     * @return whether it ended in time
     * @throws BarchanException NOT_FOUND if none of that id or name lives
     */
    public boolean stop(String idOrName, int signal, Duration timeout) throws BarchanException {
        return connection.stop(idOrName, signal, timeout);
    }

    /**
     * Has a sandbox stand still, with all that runs in it; its memory stays where it is.
     *
     * @throws BarchanException NOT_FOUND if none of that id or name lives, PRECONDITION if it does not run
     */
    public void pause(String idOrName) throws BarchanException {
        connection.pause(idOrName);
    }

    /**
     * Lets a sandbox go on, if it is paused.
     *
     * @throws BarchanException NOT_FOUND if none of that id or name lives, PRECONDITION if it does not run
     */
    public void resume(String idOrName) throws BarchanException {
        connection.resume(idOrName);
    }

    /**
     * Sends a signal to a process and all of its process group.
     *
     * @param processName id or name of a sandbox, for the process that it was made for; of another, with "/" and its id behind
     * @param signal Linux number, 1 to 64
     * @throws BarchanException NOT_FOUND if no sandbox of that id or name lives, PRECONDITION if its process does not run
     */
    public void signal(String processName, int signal) throws BarchanException {
        connection.signal(processName, signal);
    }

    /**
     * Returns what a sandbox takes. A guest that does not answer is no failure: see {@link SandboxStats#guestProblem}.
     *
     * @throws BarchanException NOT_FOUND if none of that id or name lives, PRECONDITION if it does not run
     */
    public SandboxStats stats(String idOrName) throws BarchanException {
        return connection.stats(idOrName);
    }

    /**
     * Reads what sandboxes take, again and again, until the listener has enough or none of those that were named is left. Goes on with the next agent
     * when the agent goes.
     *
     * @param names ids or names, at most 1000; none: all that run at each time
     * @param interval from one time to the next, 100 ms to 1 h
     * @param listener called by this thread, each time with all of them; false: it has enough
     * @throws BarchanException NOT_FOUND, PRECONDITION as {@link #stats}, of any that is named; INVALID
     */
    public void watchStats(List<String> names, Duration interval, Predicate<List<SandboxStats>> listener)
            throws BarchanException {
        connection.watchStats(names, interval, listener);
    }

    /**
     * Returns the processes of a sandbox as its guest knows them.
     *
     * @throws BarchanException NOT_FOUND if none of that id or name lives, PRECONDITION if it does not run, or is paused
     */
    public ProcessTable processTable(String idOrName) throws BarchanException {
        return connection.processTable(idOrName);
    }

    /**
     * Returns the files of a sandbox.
     *
     * @throws BarchanException NOT_FOUND if there is none of that id or name
     */
    public SandboxFiles files(String idOrName) throws BarchanException {
        return connection.files(idOrName);
    }

    /**
     * Reads what was written to the overlays of a sandbox, of its mounts in their order, within each a directory before what is in it.
     *
     * @param listener called by this thread
     * @throws BarchanException NOT_FOUND if none of that id or name lives, PRECONDITION if no process runs in it
     */
    public void changes(String idOrName, Consumer<Change> listener) throws BarchanException {
        connection.changes(idOrName, listener);
    }

    /**
     * Writes the same, with the content of files, as a tar archive: names are relative to "/", what was deleted is an empty file with
     * the prefix ".wh.", and a directory that was replaced has a file ".wh..wh..opq", as layers of OCI images have it.
     *
     * @param out stays open; after an exception it has no whole archive
     * @throws BarchanException as {@link #changes}
     * @throws UncheckedIOException what {@code out} throws
     */
    public void exportChanges(String idOrName, OutputStream out) throws BarchanException {
        connection.exportChanges(idOrName, out);
    }

    /**
     * Listens on this host, and carries whoever connects to what listens in a sandbox, as long as both live. Who can connect reaches it: an
     * address that others can reach lets them in.
     *
     * @param local where to listen: an IP address, with port 0 for any that is free, or a unix socket, which only this user can connect to; for a
     *     UDP port an IP address
     * @param failures told of each connection that could not be made or was broken off, by threads of the library
     * @throws BarchanException PRECONDITION if nobody can listen there
     */
    public PortForward forward(
            String idOrName, SocketAddress local, PortTarget target, Consumer<BarchanException> failures)
            throws BarchanException {
        return connection.forward(idOrName, local, target, failures);
    }

    /**
     * Listens in a sandbox, and carries whoever connects there to what listens on this host, as long as both live: the sandbox's processes reach that, and nothing else by it.
     *
     * @param port TCP port of the sandbox's loopback, 127.0.0.1; 0 for any that is free
     * @param target an IP address with a port, or a unix socket
     * @param failures told of each connection that could not be made or was broken off, and if it listens no more, by threads of the library
     * @throws BarchanException PRECONDITION if nobody can listen there, EXHAUSTED if the sandbox has 16 such ports
     */
    public ReverseForward forwardReverse(
            String idOrName, int port, SocketAddress target, Consumer<BarchanException> failures)
            throws BarchanException {
        return connection.forwardReverse(idOrName, port, target, failures);
    }

    /** Returns the kernels of the agent's host, the newest first: the first without a problem is what a sandbox gets by default. */
    public List<Kernel> kernels() throws BarchanException {
        return connection.kernels();
    }

    /** Returns the agent's templates, the last used first. */
    public List<Template> templates() throws BarchanException {
        return connection.templates();
    }

    /**
     * Makes the template that sandboxes go on from, unless there is one, and returns with it: takes as long as a boot and a save. Closing
     * this client, or interrupting the thread, ends it, and nothing is left of it.
     *
     * @param sandbox as they are: of their mounts and disks it matters alone whether the guest needs a disk
     * @param listener told what is being done, by this thread
     * @throws BarchanException INVALID if such sandboxes have no templates, PRECONDITION if none has; what a run that boots fails with
     */
    public BuiltTemplate buildTemplate(SandboxSpec sandbox, BiConsumer<ProgressLevel, String> listener)
            throws BarchanException {
        return connection.buildTemplate(sandbox, listener);
    }

    /**
     * Removes the templates that no sandbox can go on from any more, since the kernel, QEMU, libvirt or Barchan are others than they were.
     *
     * @param all whether to remove the others, too
     * @return what was removed
     */
    public List<Template> pruneTemplates(boolean all) throws BarchanException {
        return connection.pruneTemplates(all);
    }

    /** Checks everything that a run needs, and returns when all checks are done. Takes up to a minute. */
    public void diagnose(Consumer<Diagnosis> listener) throws BarchanException {
        connection.diagnose(listener);
    }

    @Override
    public void close() {
        connection.close();
    }

    private static final class CapturingListener implements RunListener {
        private final Capture stdout;
        private final Capture stderr;
        private volatile @Nullable Sandbox sandbox;

        CapturingListener(int limit) {
            stdout = new Capture(limit);
            stderr = new Capture(limit);
        }

        @Override
        public void onSandbox(Sandbox seen) {
            sandbox = seen;
        }

        @Override
        public void onOutput(StandardStream stream, ByteBuffer bytes) {
            switch (stream) {
                case STDOUT -> stdout.append(bytes);
                case STDERR -> stderr.append(bytes);
            }
        }
    }
}
