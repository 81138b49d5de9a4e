package org.barchan.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Optional;
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

/** One {@code barchan run} or {@code barchan exec}: joins this process's streams and signals with the sandbox's process. */
final class RunSession implements RunListener {
    private static final int STDIN_CHUNK = 64 * 1024;

    private final Caller caller;
    private final ProcessSpec process;
    private final BiFunction<BarchanClient, RunListener, Run> starter;
    private final Optional<ProcessSpec> shell;
    private final Optional<ArchiveFile> archive;
    private final boolean detach;
    private final Timing timing;
    private final RunOutput output;
    private final ProgressPrinter progress;
    private final RunSignals signals = new RunSignals();
    /** What this process's terminal is the terminal of. */
    private volatile @Nullable Run onTerminal;

    private volatile @Nullable BarchanClient client;
    private volatile boolean shellHungUp;
    private volatile String sandboxId = "";

    /**
     * @param starter starts the process
     * @param archive takes what the command has written to overlays
     * @param shell runs beside the command, in the same sandbox, on this process's terminal
     * @param detach whether the command is left to itself once it runs
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
            boolean detach,
            Timing timing) {
        this.detach = detach;
        this.caller = caller;
        this.process = process;
        this.starter = starter;
        this.shell = shell;
        this.timing = timing;
        this.archive = archive;
        this.output = json ? new JsonReport() : new StreamRelay(hasTerminal(), signals::readerGone, signals::cancel);
        this.progress = new ProgressPrinter(verbose);
    }

    int run() throws BarchanException {
        Signals.receive(caller, this::receive);
        try (BarchanClient connected = BarchanClient.connect(Agents.of(caller))) {
            client = connected;
            Run run = starter.apply(connected, this);
            onTerminal = hasTerminal() ? run : null;
            signals.begin(connected, run);
            Thread.ofPlatform().daemon().name("barchan-stdin").start(() -> passInput(run, detach || shell.isPresent()));
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

    private boolean hasTerminal() {
        return process.terminal().isPresent();
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
        if (hasTerminal() && StandardFiles.stdinIsTerminal() && StandardFiles.STDOUT.isTerminal()) {
            LocalTerminal.makeRaw();
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
        Thread.ofPlatform().daemon().name("barchan-shell").start(() -> passInput(run, false));
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

    private static void passInput(Run run, boolean none) {
        try (OutputStream stdin = run.stdin()) {
            if (none || !StandardFiles.stdinIsOpen()) {
                return;
            }
            byte[] buffer = new byte[STDIN_CHUNK];
            for (int count = readStdin(buffer); count >= 0; count = readStdin(buffer)) {
                stdin.write(buffer, 0, count);
            }
        } catch (IOException e) {
            // The run has ended; whoever writes to us finds out as with any command.
        }
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
            output.detached(sandboxId);
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

    private int fail(BarchanException error) throws BarchanException {
        LocalTerminal.restore();
        progress.stop();
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
        String command = process.command().getFirst();
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
