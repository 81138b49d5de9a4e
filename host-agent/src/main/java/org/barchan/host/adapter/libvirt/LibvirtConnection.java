package org.barchan.host.adapter.libvirt;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.barchan.host.sandbox.SandboxException;
import org.jspecify.annotations.Nullable;
import org.libvirt.Connect;
import org.libvirt.LibvirtException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection to libvirt, through which all calls go. When the daemon at its other end has gone, it is opened again: by the next
 * call, but at once where machines would run on unwatched. Safe for use by many threads.
 */
final class LibvirtConnection implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LibvirtConnection.class);
    /** How long a call may take that is given no other time. */
    static final Duration DEADLINE = Duration.ofSeconds(60);

    private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(5);
    /** A daemon that says nothing for half a minute is given up. */
    private static final int KEEPALIVE_SECONDS = 5;

    private static final int KEEPALIVE_COUNT = 5;

    private final Hypervisor hypervisor;
    private final Setup setup;
    private final BooleanSupplier watching;
    private final LibvirtCalls calls;
    /** Never closed: a call on another thread may still be in one. Each is small, and there is one for each end of a daemon. */
    private final List<Connect> lost = new ArrayList<>();

    private @Nullable Connect current;
    private volatile boolean closed;

    /**
     * @param setup done with each new connection before any other call
     * @param watching whether there are machines, whose ends are to be told
     */
    LibvirtConnection(Hypervisor hypervisor, Setup setup, BooleanSupplier watching) {
        this.hypervisor = hypervisor;
        this.setup = setup;
        this.watching = watching;
        this.calls = new LibvirtCalls(hypervisor.silenceRemedy());
    }

    /** A call that answers. */
    interface Query<T> {
        T run(Connect connect) throws LibvirtException;
    }

    /** What a new connection needs. */
    interface Setup {
        void on(Connect connect) throws LibvirtException;
    }

    /** Makes a call; it may take a minute. */
    <T> T ask(String action, Query<T> query) throws LibvirtException, SandboxException {
        return ask(action, DEADLINE, query, answer -> {});
    }

    /** Makes a call that may take another time; see {@link LibvirtCalls#ask}. */
    <T> T ask(String action, Duration within, Query<T> query, LibvirtCalls.Late<T> late)
            throws LibvirtException, SandboxException {
        return calls.ask(action, within, () -> query.run(live()), late);
    }

    /** Returns the connection, opened again if its daemon has gone. Called by the calls' threads: it may block. */
    private synchronized Connect live() throws LibvirtException {
        Connect known = current;
        if (known != null && known.isAlive()) {
            return known;
        }
        hypervisor.awaken();
        Connect opened = new Connect(hypervisor.connectUri());
        boolean ready = false;
        try {
            if (hypervisor.isRemote()) {
                var _ = opened.setKeepAlive(KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
                opened.registerCloseListener((connect, reason) -> onLost(String.valueOf(reason)));
            }
            setup.on(opened);
            ready = true;
        } finally {
            if (!ready) {
                opened.close();
            }
        }
        if (known != null) {
            LOG.info("{} is opened again", hypervisor.uri());
            lost.add(known);
        }
        current = opened;
        return opened;
    }

    /** Runs on the event thread, which must not block. */
    private void onLost(String reason) {
        if (closed) {
            return;
        }
        LOG.warn("libvirt's daemon behind {} has gone ({})", hypervisor.uri(), reason);
        if (watching.getAsBoolean()) {
            Thread.ofVirtual().name("libvirt-reopen").start(this::reopen);
        }
    }

    private void reopen() {
        try {
            var _ = ask("opening " + hypervisor.uri() + " again", Connect::isAlive);
        } catch (LibvirtException | SandboxException | RuntimeException e) {
            LOG.warn("{} cannot be opened again; the next call tries anew: {}", hypervisor.uri(), e.toString());
        }
    }

    @Override
    public void close() {
        closed = true;
        String action = "closing " + hypervisor.uri();
        try {
            var _ = calls.ask(action, CLOSE_DEADLINE, this::closeCurrent, answer -> {});
        } catch (LibvirtException | SandboxException e) {
            LOG.warn("{} failed", action, e);
        }
        calls.close();
    }

    private synchronized boolean closeCurrent() throws LibvirtException {
        if (current != null) {
            current.close();
        }
        return true;
    }
}
