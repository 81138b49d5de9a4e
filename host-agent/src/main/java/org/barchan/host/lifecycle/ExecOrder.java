package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.Optional;
import org.barchan.v1.ProcessSpec;

/**
 * A further process that is to be run in a sandbox.
 *
 * @param timeout how long it may run
 * @param kept what is kept of it, if it outlives its client
 */
public record ExecOrder(ProcessSpec process, Optional<Duration> timeout, Optional<Kept> kept) {
    /**
     * What is kept of it.
     *
     * @param processId what it is to be called, if the client has chosen that
     * @param digest of all that was ordered: another order of the same id and digest starts nothing
     */
    public record Kept(RunOrder.Kept process, Optional<String> processId, ByteString digest) {}
}
