package org.barchan.guest.process;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Child;
import org.barchan.v1.ProcessSpec;

/**
 * The processes that were started, by the agent's ids. One thread reaps all children of the init, the orphans among them: an orphan's
 * status is nobody's. Safe for use by many threads.
 */
public final class ProcessTable {
    private static final int SIGKILL = 9;
    private static final int END_MILLIS = 30_000;

    private final Map<String, GuestProcess> byId = new TreeMap<>();
    private final Map<Integer, GuestProcess> byPid = new HashMap<>();
    private int sandboxInit = -1;
    private int sandbox = -1;
    /** Starts all processes: one that has asked to die with its parent dies with the thread that started it. */
    private final ExecutorService spawner = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(null, work, "spawner", 128 * 1024);
        thread.setDaemon(true);
        return thread;
    });

    public ProcessTable() {
        Thread reaper = new Thread(null, this::reap, "reaper", 128 * 1024);
        reaper.setDaemon(true);
        reaper.start();
    }

    /** Sets the sandbox's own init: processes start in its namespaces. */
    public synchronized void enterNamespacesOf(int init) throws Errno {
        sandbox = Linux.pidfd(init);
        sandboxInit = init;
        notifyAll();
    }

    /**
     * Starts a process.
     *
     * @return the process, started or not: see {@link GuestProcess#spawnError}
     * @throws IllegalArgumentException when the id was used before
     */
    public synchronized GuestProcess start(String id, ProcessSpec spec) throws Errno, InterruptedException {
        if (byId.containsKey(id)) {
            throw new IllegalArgumentException("process id: " + id + " (expected: one that was not used before)");
        }
        // Under the lock, so that the reaper can't see the child before it is known.
        GuestProcess process = spawn(spec);
        byId.put(id, process);
        if (process.pid() > 0) {
            byPid.put(process.pid(), process);
            notifyAll();
        }
        return process;
    }

    private GuestProcess spawn(ProcessSpec spec) throws Errno, InterruptedException {
        int namespaces = sandbox;
        String root = sandboxInit < 0 ? "/" : "/proc/" + sandboxInit + "/root";
        try {
            return spawner.submit(() -> ProcessStart.spawn(spec, namespaces, root))
                    .get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Errno errno) {
                throw errno;
            }
            throw new IllegalStateException("starting a process failed", e);
        }
    }

    public synchronized Optional<GuestProcess> find(String id) {
        return Optional.ofNullable(byId.get(id));
    }

    public synchronized List<String> ids() {
        return List.copyOf(byId.keySet());
    }

    /** Ends all processes of the sandbox; returns when they are gone, and with them all that they had open. */
    public void endAll() throws Errno, IOException {
        int init;
        int handle;
        synchronized (this) {
            init = sandboxInit;
            handle = sandbox;
        }
        if (init > 0) {
            Linux.kill(init, SIGKILL);
            if (Linux.poll(handle, Linux.POLLIN, -1, 0, END_MILLIS) == 0) {
                throw new IOException("the sandbox's processes have not ended " + END_MILLIS + " ms after SIGKILL");
            }
        }
    }

    private void reap() {
        while (true) {
            try {
                Child child = Linux.waitForChild();
                GuestProcess process;
                synchronized (this) {
                    process = byPid.remove(child.pid());
                    if (child.pid() == sandboxInit) {
                        // All processes end with it; it is no child to wait for any more.
                        sandboxInit = -1;
                    }
                }
                if (process != null) {
                    process.exited(child);
                }
            } catch (Errno noChild) {
                awaitChild();
            }
        }
    }

    /** Blocks until there may be a child again: one is started under the lock, and the sandbox's init is one while it lives. */
    private synchronized void awaitChild() {
        try {
            while (byPid.isEmpty() && sandboxInit < 0) {
                wait();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("the reaper was interrupted", e);
        }
    }
}
