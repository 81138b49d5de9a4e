package org.barchan.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.ProcessSpec;
import org.barchan.client.ProgressLevel;
import org.barchan.client.Run;
import org.barchan.client.RunListener;
import org.barchan.client.Sandbox;
import org.barchan.client.StandardStream;
import org.barchan.client.Termination;
import org.jspecify.annotations.Nullable;

/** One {@code barchan run}, {@code exec} or {@code attach}: joins this process's streams and signals with the sandbox's process. */
final class RunSession implements RunListener {
    private static final int STDIN_CHUNK = 64 * 1024;
    /** What the process is called that a sandbox was made for. */
    private static final String OWN_PROCESS = "main";

    private final Caller caller;
    private final String command;
    private final boolean terminal;
    private final BiFunction<BarchanClient, RunListener, Run> starter;
    private final Optional<ProcessSpec> shell;
    private final Optional<ArchiveFile> archive;
    private final Input input;
    private final boolean kept;
    private final DetachKeys detachKeys;
    private final Timing timing;
    private final RunOutput output;
    private final ProgressPrinter progress;
    private final RunSignals signals;
    /** What this process's terminal is the terminal of. */
    private volatile @Nullable Run onTerminal;

    private final CompletableFuture<Run> begun = new CompletableFuture<>();

    private volatile @Nullable BarchanClient client;
    private volatile boolean shellHungUp;
    private volatile boolean detached;
    private volatile String sandboxId = "";

    /** What the command gets to read. */
    enum Input {
        /** What comes from standard input, and its end. */
        PASSED,
        /** The end, at once. */
        ENDED,
        /** Nothing from here. */
        LEFT
    }

    /**
     * @param starter starts the process
     * @param archive takes what the command has written to overlays
     * @param shell runs beside the command, in the same sandbox, on this process's terminal
     * @param kept whether the command runs on without this process
     * @param detachKeys leave the command to itself
     * @param timing notes the first output
     */
    RunSession(
            Caller caller,
            ProcessSpec process,
            BiFunction<BarchanClient, RunListener, Run> starter,
            boolean json,
            boolean verbose,
            Optional<ArchiveFile> archive,
            Optional<ProcessSpec> shell,
            Input input,
            boolean kept,
            DetachKeys detachKeys,
            Timing timing) {
        this(
                caller,
                process.command().getFirst(),
                process.terminal().isPresent(),
                starter,
                json,
                verbose,
                archive,
                shell,
                input,
                kept,
                detachKeys,
                kept ? RunSignals.ofKept() : RunSignals.ofOwn(),
                timing);
    }

    private RunSession(
            Caller caller,
            String command,
            boolean terminal,
            BiFunction<BarchanClient, RunListener, Run> starter,
            boolean json,
            boolean verbose,
            Optional<ArchiveFile> archive,
            Optional<ProcessSpec> shell,
            Input input,
            boolean kept,
            DetachKeys detachKeys,
            RunSignals signals,
            Timing timing) {
        this.caller = caller;
        this.command = command;
        this.terminal = terminal;
        this.starter = starter;
        this.archive = archive;
        this.shell = shell;
        this.input = input;
        this.kept = kept;
        this.detachKeys = detachKeys;
        this.signals = signals;
        this.timing = timing;
        this.output = json ? new JsonReport() : new StreamRelay(terminal, signals::readerGone, signals::cancel);
        this.progress = new ProgressPrinter(verbose);
    }

    /**
     * Runs a further process in a sandbox.
     *
     * @param starter starts it
     * @param kept whether it runs on without this process
     * @param keys leave it to itself
     * @param timing notes the first output
     */
    static RunSession exec(
            Caller caller,
            ProcessSpec process,
            BiFunction<BarchanClient, RunListener, Run> starter,
            boolean json,
            Input input,
            boolean kept,
            DetachKeys keys,
            Timing timing) {
        return new RunSession(
                caller,
                process.command().getFirst(),
                process.terminal().isPresent(),
                starter,
                json,
                false,
                Optional.empty(),
                Optional.empty(),
                input,
                kept,
                keys,
                kept ? RunSignals.ofJoined(true) : RunSignals.ofOwn(),
                timing);
    }

    /**
     * Starts the process of a sandbox that was created, which runs on without this process.
     *
     * @param process what it is
     * @param starter does it
     * @param verbose whether to say what is being done
     * @param input what it gets to read
     * @param keys leave it to itself
     */
    static RunSession created(
            Caller caller,
            Optional<Sandbox.Command> process,
            BiFunction<BarchanClient, RunListener, Run> starter,
            boolean verbose,
            Input input,
            DetachKeys keys) {
        return new RunSession(
                caller,
                name(process),
                process.filter(Sandbox.Command::terminal).isPresent(),
                starter,
                false,
                verbose,
                Optional.empty(),
                Optional.empty(),
                input,
                true,
                keys,
                RunSignals.ofKept(),
                new Timing());
    }

    private static String name(Optional<Sandbox.Command> process) {
        return process.filter(known -> !known.words().isEmpty())
                .map(known -> known.words().getFirst())
                .orElse("the command");
    }

    /**
     * Joins a process of a sandbox.
     *
     * @param process what it is
     * @param attacher does it
     * @param outputOnly whether the process gets nothing to read from here
     * @param sigProxy whether it gets the signals of this process
     */
    static RunSession attach(
            Caller caller,
            Optional<Sandbox.Command> process,
            BiFunction<BarchanClient, RunListener, Run> attacher,
            DetachKeys keys,
            boolean outputOnly,
            boolean sigProxy) {
        return new RunSession(
                caller,
                name(process),
                process.filter(Sandbox.Command::terminal).isPresent(),
                attacher,
                false,
                false,
                Optional.empty(),
                Optional.empty(),
                outputOnly ? Input.LEFT : Input.PASSED,
                true,
                keys,
                RunSignals.ofJoined(sigProxy),
                new Timing());
    }

    int run() throws BarchanException {
        Signals.receive(caller, this::receive);
        try (BarchanClient connected = BarchanClient.connect(Agents.of(caller))) {
            client = connected;
            Run run = starter.apply(connected, this);
            signals.begin(connected, run);
            begun.complete(run);
            if (input != Input.LEFT) {
                Thread.ofPlatform().daemon().name("barchan-stdin").start(() -> passInput(run, input, detachKeys));
            }
            return end(run.await());
        } catch (BarchanException e) {
            return fail(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return fail(new BarchanException(BarchanException.Code.CANCELLED, "interrupted", e));
        } finally {
            LocalTerminal.close();
        }
    }

    private void receive(int signal) {
        switch (signal) {
            case Signals.SIGWINCH -> resize();
            case Signals.SIGCONT -> {
                if (LocalTerminal.isRaw()) {
                    // Who stopped this process, a shell, has given the terminal its own modes.
                    LocalTerminal.makeRaw();
                    resize();
                }
            }
            case Signals.SIGHUP, Signals.SIGTERM -> {
                hangUpShell();
                signals.receive(signal);
            }
            default -> signals.receive(signal);
        }
    }

    /** Without its shell, the sandbox is there no longer than the command is. */
    private void hangUpShell() {
        shellHungUp = true;
        Run run = shell.isPresent() ? onTerminal : null;
        if (run != null) {
            run.signal(Signals.SIGHUP);
        }
    }

    private void resize() {
        Run run = onTerminal;
        if (run != null) {
            run.resize(LocalTerminal.size());
        }
    }

    @Override
    public void onSandbox(Sandbox sandbox) {
        signals.sandbox(sandbox);
        sandboxId = sandbox.id();
        output.sandbox(sandbox);
    }

    @Override
    public void onProgress(ProgressLevel level, String message) {
        output.progress(level, message);
        progress.print(level, message);
    }

    @Override
    public void onConsole(ByteBuffer bytes) throws IOException {
        progress.console(bytes);
    }

    @Override
    public void onStarted(int pid) {
        signals.started();
        onTerminal = terminal && input == Input.PASSED ? begun.join() : null;
        if (onTerminal != null && StandardFiles.stdinIsTerminal() && StandardFiles.STDOUT.isTerminal()) {
            LocalTerminal.makeRaw();
            // It may have changed since the size was looked at, or the command not know this terminal.
            resize();
        }
        output.started();
        progress.stop();
        shell.ifPresent(this::openShell);
    }

    private void openShell(ProcessSpec spec) {
        BarchanClient over = Objects.requireNonNull(client);
        Run run = over.exec(sandboxId, spec, new DebugShell());
        onTerminal = run;
        if (shellHungUp) {
            hangUpShell();
        }
        // It may have changed since the size was looked at, before the sandbox was started.
        resize();
        Thread.ofPlatform().daemon().name("barchan-shell").start(() -> passInput(run, Input.PASSED, DetachKeys.none()));
        var _ = run.termination().whenComplete((termination, error) -> {
            LocalTerminal.restore();
            onTerminal = null;
            if (error != null) {
                Messages.error("the debug shell: " + error.getMessage());
            } else if (termination.result() instanceof Termination.NotStarted notStarted) {
                Messages.error("the debug shell was not started: " + notStarted.message());
            }
            signals.release();
        });
    }

    @Override
    public void onOutput(StandardStream stream, ByteBuffer bytes) throws IOException {
        timing.mark("first output is here");
        output.output(stream, bytes);
    }

    @Override
    public void onChanges(ByteBuffer bytes) throws IOException {
        if (archive.isPresent()) {
            byte[] piece = new byte[bytes.remaining()];
            bytes.get(piece);
            archive.get().write(piece);
            if (piece.length == 0) {
                archive.get().finish();
            }
        }
    }

    private void passInput(Run run, Input from, DetachKeys keys) {
        try (OutputStream stdin = run.stdin()) {
            if (from == Input.ENDED || !StandardFiles.stdinIsOpen()) {
                return;
            }
            byte[] buffer = new byte[STDIN_CHUNK];
            for (int count = readStdin(buffer); count >= 0; count = readStdin(buffer)) {
                byte[] passed = LocalTerminal.isRaw() ? keys.pass(buffer, count) : Arrays.copyOf(buffer, count);
                stdin.write(passed);
                if (keys.complete()) {
                    leave(run);
                    return;
                }
            }
            if (kept && LocalTerminal.isRaw()) {
                // Nothing that is typed is an end: it is the terminal that has gone.
                leave(run);
            }
        } catch (IOException e) {
            // The run has ended; whoever writes to us finds out as with any command.
        }
    }

    /** The command runs on, and its input is not at its end. */
    private void leave(Run run) {
        detached = true;
        run.cancel();
    }

    private static int readStdin(byte[] buffer) {
        try {
            return StandardFiles.readStdin(buffer);
        } catch (IOException e) {
            Messages.warning("standard input can't be read, the command sees its end: " + e.getMessage());
            return -1;
        }
    }

    private int end(Termination termination) throws BarchanException {
        LocalTerminal.restore();
        progress.stop();
        int status = signals.abortedBy().map(ExitStatus::ofSignal).orElse(ExitStatus.of(termination));
        if (termination.result() instanceof Termination.Detached) {
            output.detached(processName());
        }
        if (signals.abortedBy().isEmpty() && !output.readerGone()) {
            explain(termination);
            if (archive.isPresent() && !archive.get().isWhole()) {
                Messages.error("what the command has written to overlays was not exported");
                status = ExitStatus.BARCHAN_FAILED;
            }
        }
        return output.finish(termination, output.readerGone() ? ExitStatus.ofSignal(Signals.SIGPIPE) : status);
    }

    /** Returns what other verbs name the process by. */
    private String processName() {
        String process = begun.join().processId();
        return process.isEmpty() || process.equals(OWN_PROCESS) ? sandboxId : sandboxId + "/" + process;
    }

    private int fail(BarchanException error) throws BarchanException {
        LocalTerminal.restore();
        progress.stop();
        if (detached) {
            String name = processName();
            Messages.line("barchan: left " + name + " to itself; barchan attach " + name + " joins it again");
            if (archive.isPresent()) {
                Messages.error("what the command has written to overlays was not exported");
                return ExitStatus.BARCHAN_FAILED;
            }
            return ExitStatus.OK;
        }
        if (output.readerGone()) {
            return output.fail(error, ExitStatus.ofSignal(Signals.SIGPIPE));
        }
        if (signals.abortedBy().isPresent()) {
            return output.fail(error, ExitStatus.ofSignal(signals.abortedBy().get()));
        }
        Messages.error(error);
        return output.fail(error, ExitStatus.BARCHAN_FAILED);
    }

    private void explain(Termination termination) {
        switch (termination.result()) {
            case Termination.NotStarted notStarted -> {
                int status = ExitStatus.of(termination);
                Messages.error(
                        status == ExitStatus.NOT_FOUND
                                ? command + ": command not found in the sandbox" + detail(notStarted)
                                : status == ExitStatus.NOT_EXECUTABLE
                                        ? command + ": can't be executed in the sandbox" + detail(notStarted)
                                        : notStarted.message());
            }
            case Termination.Detached _ -> {}
            case Termination.Lost(String reason) -> Messages.error("the sandbox was lost: " + reason);
            case Termination.Signalled _, Termination.Exited _ -> {
                switch (termination.cause()) {
                    case OUT_OF_MEMORY ->
                        Messages.error("the guest ran out of memory and its kernel ended the command; give it more"
                                + " with --memory");
                    case TIMEOUT -> Messages.error(command + ": ended, its time was up (--timeout)");
                    case MAX_LIFETIME ->
                        Messages.error(command + ": ended, its sandbox's time was up (--max-lifetime)");
                    case IDLE ->
                        Messages.error(command + ": ended, its sandbox was not in use for too long (--idle-timeout)");
                    case SANDBOX_DELETED -> Messages.error("the sandbox was deleted while the command ran");
                    case UNKNOWN, EXITED, SIGNALLED, SIGNALLED_BY_CLIENT, NOT_STARTED, GUEST_PANIC, VMM_CRASH -> {}
                }
            }
        }
        if (termination.outputAbandoned()) {
            progress.print(
                    ProgressLevel.WARNING,
                    "something that the command left behind still held its output; what it writes from now on is lost");
        }
    }

    private static String detail(Termination.NotStarted notStarted) {
        return notStarted.message().isEmpty() ? "" : " (" + notStarted.message() + ")";
    }
}
