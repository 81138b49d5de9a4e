package org.barchan.host.lifecycle;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
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
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, HypervisorDriver> open = new HashMap<>();
    private boolean closed;

    public Hypervisors(Opener opener) {
        this.opener = opener;
    }

    /**
     * Returns a hypervisor.
     *
     * @param takeOver called when it was opened now, before anyone else gets it
     */
    HypervisorDriver driver(String uri, TakeOver takeOver) throws SandboxException {
        lock.lock();
        try {
            if (closed) {
                throw new SandboxException(SandboxException.Code.UNAVAILABLE, "the agent is stopping");
            }
            HypervisorDriver known = open.get(uri);
            if (known != null) {
                return known;
            }
            HypervisorDriver driver = opener.open(uri);
            boolean taken = false;
            try {
                takeOver.takeOver(driver);
                open.put(uri, driver);
                taken = true;
                return driver;
            } finally {
                if (!taken) {
                    driver.close();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns a hypervisor that is open; does not wait for one that is being opened. */
    Optional<HypervisorDriver> known(String uri) {
        if (!lock.tryLock()) {
            return Optional.empty();
        }
        try {
            return Optional.ofNullable(open.get(uri));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            open.values().forEach(HypervisorDriver::close);
            open.clear();
        } finally {
            lock.unlock();
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
