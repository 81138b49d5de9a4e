package org.barchan.host.adapter.libvirt;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.libvirt.LibvirtException;

/**
 * Makes calls into libvirt on threads that may block: such a call lasts up to seconds, and on a virtual thread would keep the
 * carrier from all others for as long. Nor can it be interrupted, so the wait for it is not either.
 */
final class LibvirtCalls implements AutoCloseable {
    private final ExecutorService threads = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("libvirt-call-", 0).factory());

    /** A call that answers. */
    interface Query<T> {
        T run() throws LibvirtException;
    }

    /** A call that does not. */
    interface Command {
        void run() throws LibvirtException;
    }

    <T> T ask(Query<T> query) throws LibvirtException {
        CompletableFuture<T> answer = new CompletableFuture<>();
        threads.execute(() -> {
            try {
                answer.complete(query.run());
            } catch (LibvirtException | RuntimeException | Error e) {
                answer.completeExceptionally(e);
            }
        });
        try {
            return answer.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof LibvirtException libvirt) {
                throw libvirt;
            }
            throw e;
        }
    }

    void run(Command command) throws LibvirtException {
        var _ = ask(() -> {
            command.run();
            return true;
        });
    }

    @Override
    public void close() {
        threads.shutdown();
    }
}
