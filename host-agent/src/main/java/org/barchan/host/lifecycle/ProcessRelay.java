package org.barchan.host.lifecycle;

import java.util.Optional;
import org.barchan.host.port.Guest;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.Termination;

/** Starts a process, passes on what it does to its observer, and to it what its client sends. */
final class ProcessRelay {
    private final ProcessInputs inputs;
    private final ProcessInput input;
    private final RunObserver observer;
    private Optional<Running> running = Optional.empty();
    private long stdoutBytes;
    private long stderrBytes;

    private record Running(
            Guest guest, String processId, ProcessConnection connection, Optional<ProcessStarted> started) {}

    /** @param inputs where other clients come in */
    ProcessRelay(ProcessInputs inputs, ProcessInput input, RunObserver observer) {
        this.inputs = inputs;
        this.input = input;
        this.observer = observer;
    }

    /** Returns how the process ended if it could not be started; else it runs, and is to be followed. */
    Optional<Termination> start(Guest guest, String processId, ProcessSpec spec)
            throws SandboxException, InterruptedException {
        ProcessConnection connection = guest.start(processId, spec);
        try {
            ProcessEvent first = connection.take();
            if (first.hasTerminated()) {
                return Optional.of(first.getTerminated());
            }
            running = Optional.of(new Running(guest, processId, connection, Optional.of(first.getStarted())));
            return Optional.empty();
        } finally {
            if (running.isEmpty()) {
                connection.close();
            }
        }
    }

    /** The process was started by a former agent, and is to be followed from where the connection goes on. */
    void adopt(Guest guest, String processId, ProcessConnection connection) {
        running = Optional.of(new Running(guest, processId, connection, Optional.empty()));
    }

    /** Returns how the process ended, which the observer is not told. */
    Termination follow() throws SandboxException, InterruptedException {
        Running process = running.orElseThrow();
        try (ProcessConnection connection = process.connection()) {
            if (process.started().isPresent()) {
                inputs.connected(process.guest(), process.processId(), connection, input, observer);
                observer.event(ProcessEvent.newBuilder()
                        .setStarted(process.started().get().toBuilder()
                                .setProcessId(ProcessRecord.idOf(process.processId())))
                        .build());
            } else {
                inputs.connected(process.guest(), process.processId(), connection);
            }
            while (true) {
                ProcessEvent event = connection.take();
                if (event.hasTerminated()) {
                    return event.getTerminated();
                }
                observer.event(event);
                count(event);
            }
        } finally {
            inputs.disconnected();
        }
    }

    private void count(ProcessEvent event) {
        if (event.hasOutput()) {
            long end =
                    event.getOutput().getOffset() + event.getOutput().getData().size();
            if (event.getOutput().getStream() == OutputStream.OUTPUT_STREAM_STDOUT) {
                stdoutBytes = end;
            } else {
                stderrBytes = end;
            }
        }
    }

    /** Returns a termination that was not seen, with how much output was. */
    Termination counted(Termination unseen) {
        return unseen.toBuilder()
                .setStdoutBytes(stdoutBytes)
                .setStderrBytes(stderrBytes)
                .build();
    }
}
