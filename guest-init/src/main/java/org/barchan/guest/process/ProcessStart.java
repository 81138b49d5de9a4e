package org.barchan.guest.process;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Spawned;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.ResourceLimit;
import org.barchan.v1.SpawnError;
import org.barchan.v1.SpawnStep;
import org.barchan.v1.TerminalSize;

/** The start of one process, on pipes or on a terminal: whatever fails, no descriptor is left open. */
final class ProcessStart {
    /** Larger than usual: the process writes more before its reader has to be switched to, which costs an emulated CPU dearly. */
    private static final int OUTPUT_PIPE = 256 * 1024;

    /** Of what {@link Spawned#failedPart} says, the first resource limit. */
    private static final int FIRST_LIMIT = 3;

    private static final String NO_LIMIT = "unlimited";

    private final GuestProcess.Shared shared;
    private final ProcessSpec spec;
    private final int sandbox;
    private final String root;
    private final Spawner spawner;
    /** To be closed in the end: all but what the started process keeps. */
    private final List<Integer> open = new ArrayList<>();

    private ProcessStart(GuestProcess.Shared shared, ProcessSpec spec, int sandbox, String root, Spawner spawner) {
        this.shared = shared;
        this.spec = spec;
        this.sandbox = sandbox;
        this.root = root;
        this.spawner = spawner;
    }

    /** Calls {@link Linux#spawn}, which is one thread's. */
    interface Spawner {
        Spawned spawn(SpawnRequest request) throws Errno;
    }

    /**
     * Starts a process.
     *
     * @param shared what all processes share
     * @param sandbox a pidfd of the sandbox's init; -1 before there is one
     * @param root the sandbox's root as the init sees it
     * @return the process, started or not: see {@link GuestProcess#spawnError}
     */
    static GuestProcess spawn(GuestProcess.Shared shared, ProcessSpec spec, int sandbox, String root, Spawner spawner)
            throws Errno {
        ProcessStart start = new ProcessStart(shared, spec, sandbox, root, spawner);
        try {
            return spec.hasTerminal() ? start.onTerminal() : start.onPipes();
        } finally {
            start.open.forEach(Linux::close);
        }
    }

    private GuestProcess onTerminal() throws Errno {
        TerminalSize size = spec.getTerminal().getSize();
        int[] sides = both(Linux.terminal(root, size.getRows(), size.getColumns()));
        int in = kept(Linux.duplicate(sides[0]));
        int out = kept(Linux.duplicate(sides[0]));
        int exitEvent = kept(Linux.eventfd());
        Spawned spawned = spawn(sides[1], sides[1], sides[1]);
        if (spawned.pid() < 0) {
            return notStarted(spawned);
        }
        open.removeAll(List.of(sides[0], in, out, exitEvent));
        return GuestProcess.started(shared, spawned.pid(), exitEvent, sides[0], in, out, Optional.empty());
    }

    private GuestProcess onPipes() throws Errno {
        int[] in = both(Linux.pipe(0));
        int[] out = both(Linux.pipe(OUTPUT_PIPE));
        int[] err = both(Linux.pipe(OUTPUT_PIPE));
        // All that may fail, before there is a process that nobody would know of.
        for (int fd : new int[] {in[1], out[0], err[0]}) {
            Linux.setNonblocking(fd);
        }
        int exitEvent = kept(Linux.eventfd());
        Spawned spawned = spawn(in[0], out[1], err[1]);
        if (spawned.pid() < 0) {
            return notStarted(spawned);
        }
        open.removeAll(List.of(in[1], out[0], err[0], exitEvent));
        return GuestProcess.started(shared, spawned.pid(), exitEvent, -1, in[1], out[0], Optional.of(err[0]));
    }

    private Spawned spawn(int in, int out, int err) throws Errno {
        return spawner.spawn(SpawnRequest.of(spec, sandbox, in, out, err));
    }

    private int kept(int fd) {
        open.add(fd);
        return fd;
    }

    private int[] both(int[] ends) {
        open.add(ends[0]);
        open.add(ends[1]);
        return ends;
    }

    /** Returns which limit it was, by its field: see guestsys.c. */
    private String limit(int part) {
        return switch (part) {
            case 1 -> "nice " + spec.getNice();
            case 2 -> "oom_score_adj " + spec.getOomScoreAdj();
            default -> {
                ResourceLimit limit = spec.getResourceLimits(part - FIRST_LIMIT);
                yield "resource_limits[" + (part - FIRST_LIMIT) + "]: " + limit.getResource() + " to "
                        + (limit.hasSoft() ? Long.toUnsignedString(limit.getSoft()) : NO_LIMIT) + ":"
                        + (limit.hasHard() ? Long.toUnsignedString(limit.getHard()) : NO_LIMIT);
            }
        };
    }

    private GuestProcess notStarted(Spawned spawned) {
        SpawnStep step = SpawnStep.forNumber(spawned.failedStep());
        SpawnStep known = step == null ? SpawnStep.SPAWN_STEP_CREATE : step;
        String subject = switch (known) {
            case SPAWN_STEP_EXEC -> spec.getArgv(0).toStringUtf8();
            case SPAWN_STEP_CHDIR ->
                "working directory " + spec.getWorkingDirectory().toStringUtf8();
            case SPAWN_STEP_LIMITS -> limit(spawned.failedPart());
            case SPAWN_STEP_CREDENTIALS -> "take on uid " + spec.getIdentity().getUid();
            case SPAWN_STEP_CREATE, SPAWN_STEP_UNSPECIFIED, UNRECOGNIZED -> "create the process";
        };
        return GuestProcess.notStarted(
                shared,
                SpawnError.newBuilder()
                        .setStep(known)
                        .setErrno(spawned.errno())
                        .setMessage(subject + ": " + Errno.describe(spawned.errno()))
                        .build());
    }
}
