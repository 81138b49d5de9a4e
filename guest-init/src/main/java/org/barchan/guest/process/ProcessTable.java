package org.barchan.guest.process;

import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
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
    /** Of a process. */
    private static final int STREAMS = 3;

    private static final int END_MILLIS = 30_000;

    /** How many there may be that are not forgotten: the init's memory has room for their threads and smallest buffers. */
    private static final int MAX_PROCESSES = 256;

    /** As many as may be on their way at once. */
    private static final int FORGOTTEN = 1024;

    /** With the input, less than half of the init's memory: the rest must suffice for all else. */
    private static final long OUTPUT_BYTES = 20 * 1024 * 1024;

    private static final long INPUT_BYTES = 8 * 1024 * 1024;

    private final ExecutorService threads = Executors.newCachedThreadPool(daemons("stream"));
    private final GuestProcess.Shared shared =
            new GuestProcess.Shared(new BufferMemory(OUTPUT_BYTES), new BufferMemory(INPUT_BYTES), threads);
    private final Map<String, GuestProcess> byId = new TreeMap<>();
    /** Ids of no process that were to be forgotten, the last ones: of starts that may still come. */
    private final LinkedHashSet<String> forgotten = new LinkedHashSet<>();

    private final Map<Integer, GuestProcess> byPid = new HashMap<>();
    private int sandboxInit = -1;
    private int sandbox = -1;
    /**
     * Starts all processes: one that has asked to die with its parent dies with the thread that started it. It does nothing else, since it
     * can start no threads once there is a sandbox.
     */
    private final ExecutorService spawner = Executors.newSingleThreadExecutor(daemons("spawner"));

    /** There is no process yet. */
    public ProcessTable() {
        daemons("reaper").newThread(this::reap).start();
    }

    private static ThreadFactory daemons(String name) {
        return work -> {
            Thread thread = new Thread(null, work, name, 128 * 1024);
            thread.setDaemon(true);
            return thread;
        };
    }

    /** Has the threads at hand that the first process needs. */
    public void prepare() {
        spawner.execute(() -> {});
        CountDownLatch all = new CountDownLatch(STREAMS);
        for (int i = 0; i < STREAMS; i++) {
            threads.execute(() -> {
                all.countDown();
                try {
                    all.await();
                } catch (InterruptedException e) {
                    // Nobody waits for it.
                }
            });
        }
    }

    /** Sets the sandbox's own init: processes start in its namespaces. */
    public synchronized void enterNamespacesOf(int init) throws Errno {
        int handle = Linux.pidfd(init);
        onSpawner(() -> {
            Linux.spawnInto(handle);
            return true;
        });
        sandbox = handle;
        sandboxInit = init;
        notifyAll();
    }

    /**
     * Starts a process, unless there is one of that id.
     *
     * @return the process, started or not: see {@link GuestProcess#pid}
     * @throws IllegalArgumentException when one of that id was to be forgotten
     * @throws TooMany when there are as many as there may be
     */
    public synchronized GuestProcess start(String id, ProcessSpec spec) throws Errno {
        GuestProcess known = byId.get(id);
        if (known != null) {
            return known;
        }
        if (forgotten.contains(id)) {
            throw new IllegalArgumentException("process id: " + id + " (expected: one that nobody had forgotten)");
        }
        if (byId.size() >= MAX_PROCESSES) {
            throw new TooMany("start a process: " + MAX_PROCESSES
                    + " run in this sandbox, as many as may at once: wait until one has ended, or use another sandbox");
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

    private GuestProcess spawn(ProcessSpec spec) throws Errno {
        int namespaces = sandbox;
        String root = root().orElse("/");
        return ProcessStart.spawn(
                shared,
                spec,
                namespaces,
                root,
                request -> onSpawner(() -> Linux.spawn(request.strings(), request.numbers())));
    }

    /** Returns the directory that is the sandbox's root, while there is a sandbox. */
    public synchronized Optional<String> root() {
        return sandboxInit < 0 ? Optional.empty() : Optional.of("/proc/" + sandboxInit + "/root");
    }

    private <R> R onSpawner(Callable<R> action) throws Errno {
        try {
            return spawner.submit(action).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Errno errno) {
                throw errno;
            }
            throw new IllegalStateException("starting a process failed", e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while a process was started", e);
        }
    }

    public synchronized Optional<GuestProcess> find(String id) {
        return Optional.ofNullable(byId.get(id));
    }

    /**
     * Drops a process: once it has ended, if it runs; its output is thrown away from now on. One that is not there yet, since this has
     * overtaken its start, is not started any more.
     */
    public void forget(String id) {
        GuestProcess process;
        synchronized (this) {
            process = byId.get(id);
            if (process == null) {
                forgotten.add(id);
                if (forgotten.size() > FORGOTTEN) {
                    forgotten.removeFirst();
                }
                return;
            }
        }
        process.forget(() -> remove(id));
    }

    private void remove(String id) {
        List<GuestProcess> others;
        synchronized (this) {
            byId.remove(id);
            others = List.copyOf(byId.values());
        }
        others.forEach(GuestProcess::memoryFreed);
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
        OutOfMemory memory = new OutOfMemory();
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
                    process.exited(child, child.signal() == SIGKILL && memory.ended(child.pid()));
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

    /** There are as many processes as there may be. */
    public static final class TooMany extends RuntimeException {
        private static final long serialVersionUID = 1;

        TooMany(String message) {
            super(message);
        }
    }
}
