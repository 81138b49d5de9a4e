package org.barchan.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.barchan.client.ProcessSpec;
import org.barchan.client.RunListener;
import org.barchan.client.StandardStream;

/** A shell beside a command, on this process's terminal: standard input, and standard output or error, whichever is one. */
final class DebugShell implements RunListener {
    private static final List<String> COMMAND =
            List.of("/bin/sh", "-c", "command -v bash > /dev/null && exec bash; exec sh");

    /** Returns a shell for whom a command is, where it works, with its environment; throws where there is no terminal for it. */
    static ProcessSpec of(ProcessSpec command) {
        boolean screen = StandardFiles.STDOUT.isTerminal() || StandardFiles.STDERR.isTerminal();
        if (!StandardFiles.stdinIsTerminal() || !screen || command.terminal().isPresent()) {
            throw new IllegalArgumentException("--shell needs standard input, and output or error, to be a terminal"
                    + " that nothing else has: not with --tty");
        }
        ProcessSpec.Builder shell =
                ProcessSpec.builder(COMMAND).environment(command.environment()).terminal(LocalTerminal.size());
        command.workingDirectory().ifPresent(shell::workingDirectory);
        command.identity().ifPresent(shell::identity);
        return shell.build();
    }

    @Override
    public void onStarted(int pid) {
        LocalTerminal.makeRaw();
    }

    @Override
    public void onOutput(StandardStream stream, ByteBuffer bytes) throws IOException {
        (StandardFiles.STDOUT.isTerminal() ? StandardFiles.STDOUT : StandardFiles.STDERR).write(bytes);
    }
}
