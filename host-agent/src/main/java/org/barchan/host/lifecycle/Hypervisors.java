package org.barchan.host.lifecycle;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.SandboxException;

/**
 * The hypervisors in use, each opened when it is first needed: an agent without libvirt starts all the same, to say what is missing. A
 * failure is not remembered. Safe for use by many threads.
 */
public final class Hypervisors implements AutoCloseable {
    /** The driver inside the agent. */
    public static final String DEFAULT_URI = "qemu:///embed";

    private final Opener opener;
    /** What is open or being opened: who needs one that is being opened waits for that one alone. */
    private final Map<String, CompletableFuture<HypervisorDriver>> drivers = new HashMap<>();

    private boolean closed;

    public Hypervisors(Opener opener) {
        this.opener = opener;
    }

    /**
     * Returns a hypervisor.
     *
     * @param takeOver called when it was opened now, before anyone gets it
     */
    HypervisorDriver driver(String uri, TakeOver takeOver) throws SandboxException {
        CompletableFuture<HypervisorDriver> own = new CompletableFuture<>();
        CompletableFuture<HypervisorDriver> known;
        synchronized (this) {
            if (closed) {
                throw new SandboxException(SandboxException.Code.UNAVAILABLE, "the agent is stopping");
            }
            known = drivers.putIfAbsent(uri, own);
        }
        if (known == null) {
            try {
                own.complete(open(uri, takeOver));
            } catch (SandboxException | RuntimeException | Error e) {
                synchronized (this) {
                    drivers.remove(uri, own);
                }
                own.completeExceptionally(e);
                throw e;
            }
            return own.join();
        }
        try {
            return known.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof SandboxException failure) {
                throw new SandboxException(failure.code(), String.valueOf(failure.getMessage()), failure);
            }
            throw e;
        }
    }

    private HypervisorDriver open(String uri, TakeOver takeOver) throws SandboxException {
        HypervisorDriver driver = opener.open(uri);
        boolean taken = false;
        try {
            takeOver.takeOver(driver);
            taken = true;
            return driver;
        } finally {
            if (!taken) {
                driver.close();
            }
        }
    }

    /** Returns a hypervisor that is open; does not wait for one that is being opened. */
    synchronized Optional<HypervisorDriver> known(String uri) {
        return Optional.ofNullable(drivers.get(uri))
                .filter(driver -> driver.state() == Future.State.SUCCESS)
                .map(CompletableFuture::join);
    }

    /** Closes all; one that is being opened is closed when it is open, which nobody waits for. */
    @Override
    public void close() {
        List<CompletableFuture<HypervisorDriver>> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(drivers.values());
            drivers.clear();
        }
        for (CompletableFuture<HypervisorDriver> driver : all) {
            var _ = driver.thenAccept(HypervisorDriver::close);
        }
    }

    /** Opens hypervisors. */
    @FunctionalInterface
    public interface Opener {
        /** @throws SandboxException {@code PRECONDITION}: what is missing, and the remedy */
        HypervisorDriver open(String uri) throws SandboxException;
    }

    /** Looks at what runs on a hypervisor that was opened just now. */
    @FunctionalInterface
    interface TakeOver {
        void takeOver(HypervisorDriver driver) throws SandboxException;
    }
}
