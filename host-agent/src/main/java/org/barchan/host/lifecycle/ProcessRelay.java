package org.barchan.host.lifecycle;

import org.barchan.host.port.Guest;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.Termination;

/** Passes on what a process does to its observer, and to it what its client sends. */
final class ProcessRelay {
    private final ProcessInput input;
    private final RunObserver observer;
    private long stdoutBytes;
    private long stderrBytes;

    ProcessRelay(ProcessInput input, RunObserver observer) {
        this.input = input;
        this.observer = observer;
    }

    /** Returns how the process ended, which the observer is not told. */
    Termination relay(Guest guest, String processId, ProcessEvent started)
            throws SandboxException, InterruptedException {
        try (ProcessConnection connection = guest.attach(processId, 0, 0);
                input) {
            input.start(guest, processId, connection);
            observer.event(ProcessEvent.newBuilder()
                    .setStarted(started.getStarted().toBuilder().setProcessId(processId))
                    .build());
            while (true) {
                ProcessEvent event = connection.take();
                if (event.hasTerminated()) {
                    return event.getTerminated();
                }
                observer.event(event);
                count(event);
            }
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
