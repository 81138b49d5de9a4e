package org.barchan.host.adapter.libvirt;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.sandbox.SandboxException;
import org.libvirt.LibvirtException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes calls into libvirt on threads that may block: such a call lasts up to seconds, and on a virtual thread would keep the
 * carrier from all others for as long. Nor can it be interrupted, so the wait for it is not either; but it ends at a deadline, since
 * a libvirt that hangs answers never.
 */
final class LibvirtCalls implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LibvirtCalls.class);

    private final ExecutorService threads = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("libvirt-call-", 0).factory());
    private final String remedy;

    /** @param remedy what to do when libvirt does not answer */
    LibvirtCalls(String remedy) {
        this.remedy = remedy;
    }

    /** A call that answers. */
    interface Query<T> {
        T run() throws LibvirtException;
    }

    /** Deals with an answer that nobody waits for any more. */
    interface Late<T> {
        void undo(T answer) throws LibvirtException;
    }

    /**
     * Makes a call.
     *
     * @param action what is tried on what, for example "starting machine b-0123"
     * @param late is given an answer that comes after the deadline
     * @throws SandboxException {@code SILENT} at the deadline
     */
    <T> T ask(String action, Duration within, Query<T> query, Late<T> late) throws LibvirtException, SandboxException {
        CompletableFuture<T> answer = new CompletableFuture<>();
        threads.execute(() -> {
            try {
                T result = query.run();
                if (!answer.complete(result)) {
                    LOG.warn("{}: libvirt has answered after all: undoing it", action);
                    late.undo(result);
                }
            } catch (LibvirtException | RuntimeException | Error e) {
                if (!answer.completeExceptionally(e)) {
                    LOG.warn("{}: failed after its deadline", action, e);
                }
            }
        });
        try {
            return answer.orTimeout(within.toNanos(), TimeUnit.NANOSECONDS).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof LibvirtException libvirt) {
                throw libvirt;
            }
            if (e.getCause() instanceof TimeoutException) {
                throw new SandboxException(
                        SandboxException.Code.SILENT,
                        action + " failed: libvirt has not answered within " + within.toSeconds() + " s; " + remedy,
                        e);
            }
            throw e;
        }
    }

    @Override
    public void close() {
        threads.shutdown();
    }
}
