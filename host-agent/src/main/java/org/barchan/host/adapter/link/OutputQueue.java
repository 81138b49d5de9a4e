package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import java.util.ArrayDeque;
import java.util.Deque;
import org.barchan.guest.v1.OutputAck;
import org.barchan.v1.OutputStream;
import org.barchan.v1.ProcessEvent;
import org.barchan.v1.ProcessOutput;
import org.barchan.v1.ProcessStarted;
import org.barchan.v1.Termination;
import org.jspecify.annotations.Nullable;

/** Output of a process that has arrived, and what of it has been taken and acknowledged. Not thread-safe. */
final class OutputQueue {
    /** Most bytes of a stream that have arrived and are not taken. An honest guest sends no more than it keeps: as much as that. */
    private static final int CAPACITY = 1 << 20;

    /** A quarter of what a guest keeps: it goes on writing meanwhile, and hears seldom, since each message costs it dearly. */
    private static final int ACKNOWLEDGE_AT = 256 << 10;

    /** Most bytes in an event that was put together of several. */
    private static final int MAX_EVENT = 64 << 10;

    /** With so many events waiting, output is put together past what the other stream has in between. */
    private static final int MANY_EVENTS = 64;

    private final Deque<Event> events = new ArrayDeque<>();
    private final Offsets stdout;
    private final Offsets stderr;
    private boolean terminated;
    private boolean acknowledgementWanted;

    /** Something to hand out: output that may still grow, or the end. */
    private static final class Event {
        private ProcessEvent event;

        Event(ProcessEvent event) {
            this.event = event;
        }

        int size() {
            return event.getOutput().getData().size();
        }

        void append(ByteString data) {
            ProcessOutput before = event.getOutput();
            event = ProcessEvent.newBuilder()
                    .setOutput(before.toBuilder().setData(before.getData().concat(data)))
                    .build();
        }
    }

    /** How far one stream is. */
    private static final class Offsets {
        /** The last that waits to be handed out. */
        private @Nullable Event last;

        private long arrived;
        private long handedOut;
        private long taken;
        private long acknowledged;

        Offsets(long start) {
            arrived = start;
            handedOut = start;
            taken = start;
            acknowledged = start;
        }

        /** What the last attachment acknowledged may have been lost with it: it is said again. */
        void attach() {
            acknowledged = 0;
        }

        long unacknowledged() {
            return Math.max(0, taken - acknowledged);
        }

        long acknowledge() {
            acknowledged = Math.max(taken, acknowledged);
            return acknowledged;
        }
    }

    OutputQueue(long stdoutOffset, long stderrOffset) {
        this.stdout = new Offsets(stdoutOffset);
        this.stderr = new Offsets(stderrOffset);
    }

    /** Adds output; returns what is wrong with it, or an empty string. */
    String add(ProcessOutput output) {
        int size = output.getData().size();
        if (output.getStream() != OutputStream.OUTPUT_STREAM_STDOUT
                && output.getStream() != OutputStream.OUTPUT_STREAM_STDERR) {
            return "output of an unknown stream";
        }
        Offsets offsets = offsets(output);
        if (output.getOffset() != offsets.arrived) {
            return "output at offset " + Long.toUnsignedString(output.getOffset()) + " (expected: " + offsets.arrived
                    + ")";
        }
        if (size > offsets.taken + CAPACITY - offsets.arrived) {
            return "output of more than " + CAPACITY + " bytes that were not acknowledged";
        }
        offsets.arrived += size;
        append(offsets, output);
        return "";
    }

    /** A guest may send a byte at a time: what waits is put together, so that its events don't take many times its bytes. */
    private void append(Offsets offsets, ProcessOutput output) {
        Event last = offsets.last;
        if (last != null
                && last.size() + output.getData().size() <= MAX_EVENT
                && (last.equals(events.peekLast()) || events.size() >= MANY_EVENTS)) {
            last.append(output.getData());
            return;
        }
        Event next = new Event(ProcessEvent.newBuilder().setOutput(output).build());
        events.add(next);
        offsets.last = next;
    }

    /** Adds that the process was started, before all output of it that has arrived. */
    void add(ProcessStarted started) {
        events.addFirst(new Event(ProcessEvent.newBuilder().setStarted(started).build()));
    }

    /** Adds the end; returns what is wrong with it, or an empty string. */
    String add(Termination termination) {
        if (termination.getStdoutBytes() != stdout.arrived || termination.getStderrBytes() != stderr.arrived) {
            return "the end of output at " + Long.toUnsignedString(termination.getStdoutBytes()) + " and "
                    + Long.toUnsignedString(termination.getStderrBytes()) + " (expected: " + stdout.arrived + " and "
                    + stderr.arrived + ")";
        }
        terminated = true;
        events.add(
                new Event(ProcessEvent.newBuilder().setTerminated(termination).build()));
        return "";
    }

    /** Returns what has arrived, where a new attachment goes on, and takes it as known to the guest. */
    OutputAck attach() {
        stdout.attach();
        stderr.attach();
        return OutputAck.newBuilder()
                .setStdoutOffset(stdout.arrived)
                .setStderrOffset(stderr.arrived)
                .build();
    }

    boolean isEmpty() {
        return events.isEmpty();
    }

    /** Whether the end has arrived, taken or not. */
    boolean isTerminated() {
        return terminated;
    }

    /** Removes the next event; it counts as taken at the next {@link #takePrevious}. */
    ProcessEvent next() {
        Event next = events.remove();
        if (next.event.hasOutput()) {
            ProcessOutput output = next.event.getOutput();
            Offsets offsets = offsets(output);
            offsets.handedOut = output.getOffset() + output.getData().size();
            offsets.last = next.equals(offsets.last) ? null : offsets.last;
        }
        return next.event;
    }

    /** Notes that whoever got the last event asks for more, so is done with it. */
    void takePrevious() {
        stdout.taken = stdout.handedOut;
        stderr.taken = stderr.handedOut;
    }

    /** The guest waits for an acknowledgement of however little. */
    void wantAcknowledgement() {
        acknowledgementWanted = true;
    }

    /** Whether it is time to acknowledge. */
    boolean wantsAcknowledgement() {
        long unacknowledged = stdout.unacknowledged() + stderr.unacknowledged();
        return unacknowledged >= (acknowledgementWanted ? 1 : ACKNOWLEDGE_AT);
    }

    /** Returns what to tell the guest. */
    OutputAck acknowledge() {
        acknowledgementWanted = false;
        return OutputAck.newBuilder()
                .setStdoutOffset(stdout.acknowledge())
                .setStderrOffset(stderr.acknowledge())
                .build();
    }

    private Offsets offsets(ProcessOutput output) {
        return output.getStream() == OutputStream.OUTPUT_STREAM_STDOUT ? stdout : stderr;
    }
}
