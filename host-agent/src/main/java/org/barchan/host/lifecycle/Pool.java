package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.barchan.host.port.Guest;
import org.barchan.host.port.ProcessConnection;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.Identity;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.SandboxProcess;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Guests that are made before anybody asks for them, up to where a process can be started, each for a sandbox that is just like one from
 * before, of the same client. Those of a kind that is asked for more often than it is there become more, those that nobody asks for go.
 * Safe for use by many threads.
 */
final class Pool {
    private static final Logger LOG = LoggerFactory.getLogger(Pool.class);
    /** The sandbox that has just got the last one comes first. */
    private static final Duration PAUSE = Duration.ofMillis(300);

    /** The host's files and kernels may have changed since; and so long does a kind last that nobody asks for. */
    private static final Duration AGE = Duration.ofMinutes(10);

    private static final Duration WARM_UP_TIME = Duration.ofSeconds(20);
    /** What most commands are like: a shell, or a program that writes something. */
    private static final List<ByteString> PRACTICE = Stream.of("/bin/sh", "-c", "/bin/echo && exec /bin/echo")
            .map(ByteString::copyFromUtf8)
            .toList();

    private static final EnvironmentVariable LOCALE = EnvironmentVariable.newBuilder()
            .setName(ByteString.copyFromUtf8("LANG"))
            .setValue(ByteString.copyFromUtf8("C.UTF-8"))
            .build();

    private static final String WARM_UP = "warm-up";

    private static final SandboxName NOBODY = new SandboxName("nobody");

    private final int most;
    private final SandboxMaker maker;
    private final HostShares shares;
    private final Room room;
    private final Timer timer;
    /** By kind; the one that was asked for last comes last. */
    private final Map<Kind, Supply> supplies = new LinkedHashMap<>();

    private Optional<Making> making = Optional.empty();
    private boolean stopped;

    /** @param most how many may wait; 0: none ever does */
    Pool(int most, SandboxMaker maker, HostShares shares, Room room, Timer timer) {
        this.most = most;
        this.maker = maker;
        this.shares = shares;
        this.room = room;
        this.timer = timer;
    }

    /** What a sandbox must have in common with a guest to take it: all but its name and its process. */
    private record Kind(SandboxSpec spec, HostUser client, Identity owner) {
        static Kind of(RunOrder order) {
            return new Kind(
                    order.sandbox().named(NOBODY),
                    order.client(),
                    order.process().getIdentity());
        }

        /** Returns an order of it, without what a process is told. */
        RunOrder order() {
            return new RunOrder(
                    spec, ProcessSpec.newBuilder().setIdentity(owner).build(), Optional.empty(), client, false, false);
        }

        /** Nothing that is someone's is held by a guest that waits: no images, and of directories none but what is the root. */
        boolean mayWait() {
            return !spec.hasImages()
                    && !spec.debug()
                    && spec.fromTemplate()
                    && spec.root() instanceof Root.Directory
                    && spec.mounts().stream()
                            .noneMatch(mount -> mount instanceof Mount.HostDirectory || mount instanceof Mount.Image)
                    && spec.clientLostPolicy() == ClientLostPolicy.DELETE
                    && spec.libvirtUri().equals(Hypervisors.DEFAULT_URI);
        }
    }

    /** What there is of a kind. */
    private static final class Supply {
        private final Deque<Waiting> waiting = new ArrayDeque<>();
        private int wanted;

        boolean isShort() {
            return waiting.size() < wanted;
        }
    }

    /** It is short again only when somebody asks for it. */
    private void wantNoMore(Kind kind, Supply supply) {
        supply.wanted = supply.waiting.size();
        if (supply.waiting.isEmpty()) {
            supplies.remove(kind);
        }
    }

    /**
     * A guest that waits.
     *
     * @param nobodys is none of those that can be found
     * @param seen what it sees of the host, as that was when it was made
     */
    record Waiting(Sandbox nobodys, SandboxMaker.Made made, String seen, Timer.Alarm old) {
        SandboxId id() {
            return nobodys.id();
        }

        private boolean isFit(String now) {
            return seen.equals(now) && nobodys.signal().reason().isEmpty();
        }

        /** What it was made of is another sandbox's from now on. */
        void handTo(Sandbox sandbox) {
            made.close();
            sandbox.undo().takeOver(nobodys.undo());
        }
    }

    /** One that is being made, and the sandbox that it is for the time being. */
    private record Making(Kind kind, Sandbox nobodys, CompletableFuture<Void> over) {}

    /** Returns a guest for a sandbox, if one waits; and has others made for those that come later. */
    Optional<Waiting> take(RunOrder order) {
        if (most == 0) {
            return Optional.empty();
        }
        Kind kind = Kind.of(order);
        if (!kind.mayWait()) {
            return Optional.empty();
        }
        String seen;
        try {
            seen = shares.fingerprint(order.sandbox(), order.client());
        } catch (SandboxException e) {
            LOG.warn("no guest that waits is taken: {}", Printable.lines(String.valueOf(e.getMessage())));
            return Optional.empty();
        }
        Optional<Waiting> taken = Optional.empty();
        List<Waiting> unfit = new ArrayList<>();
        synchronized (this) {
            Supply supply = Optional.ofNullable(supplies.remove(kind)).orElseGet(Supply::new);
            supplies.put(kind, supply);
            while (taken.isEmpty() && !supply.waiting.isEmpty()) {
                Waiting next = supply.waiting.remove();
                if (next.isFit(seen)) {
                    taken = Optional.of(next);
                } else {
                    unfit.add(next);
                }
            }
            if (taken.isEmpty()) {
                supply.wanted = Math.min(most, Math.max(1, 2 * supply.wanted));
            }
        }
        unfit.forEach(this::discard);
        taken.ifPresent(waiting -> {
            waiting.old().cancel();
            LOG.info("{}: waits no more: it is taken", waiting.id());
        });
        var _ = timer.after(PAUSE, this::refill);
        return taken;
    }

    /** Returns how many wait. */
    synchronized int size() {
        return supplies.values().stream()
                .mapToInt(supply -> supply.waiting.size())
                .sum();
    }

    /** Makes one more where there are too few, and others after it, first of what was asked for last. */
    private void refill() {
        Making next;
        Optional<Waiting> tooMany = Optional.empty();
        synchronized (this) {
            Optional<Map.Entry<Kind, Supply>> lacking = supplies.entrySet().stream()
                    .filter(supply -> supply.getValue().isShort())
                    .reduce((before, last) -> last);
            if (stopped || making.isPresent() || lacking.isEmpty()) {
                return;
            }
            if (size() >= most) {
                tooMany = takeFromOthers(lacking.get().getKey());
                if (tooMany.isEmpty()) {
                    return;
                }
            }
            SandboxId id = SandboxId.random();
            next = new Making(
                    lacking.get().getKey(),
                    new Sandbox(
                            id,
                            new SandboxName("pool-" + id.value()),
                            Instant.now(),
                            ClientLostPolicy.DELETE,
                            SandboxProcess.getDefaultInstance()),
                    new CompletableFuture<>());
            making = Optional.of(next);
        }
        tooMany.ifPresent(this::discard);
        Thread.ofVirtual().name("pool-" + next.nobodys().id()).start(() -> make(next));
    }

    /** Of what was asked for longest ago. */
    private Optional<Waiting> takeFromOthers(Kind than) {
        Optional<Map.Entry<Kind, Supply>> other = supplies.entrySet().stream()
                .filter(supply -> !supply.getKey().equals(than)
                        && !supply.getValue().waiting.isEmpty())
                .findFirst();
        return other.map(supply -> {
            Waiting taken = supply.getValue().waiting.remove();
            wantNoMore(supply.getKey(), supply.getValue());
            return taken;
        });
    }

    @SuppressWarnings("CatchingUnchecked") // whatever it is, others are to be made
    private void make(Making next) {
        Sandbox nobodys = next.nobodys();
        RunOrder order = next.kind().order();
        boolean kept = false;
        Optional<Room.Place> place = Optional.empty();
        try {
            place = Optional.of(room.forSandbox());
            String seen = shares.fingerprint(order.sandbox(), order.client());
            nobodys.signal().arm();
            SandboxMaker.Made made = maker.prepare(nobodys, order, new Unheard());
            try {
                warmUp(nobodys, made.live().guest(), next.kind());
            } catch (SandboxException | InterruptedException | RuntimeException | Error e) {
                made.close();
                throw e;
            }
            // Whoever takes it is the one to be stopped.
            nobodys.signal().disarm();
            kept = keep(next.kind(), nobodys, made, seen);
        } catch (SandboxException | RuntimeException | Error e) {
            nobodys.signal().disarm();
            LOG.warn("{}: making a guest that waits: {}", nobodys.id(), Printable.lines(e.toString()));
        } catch (InterruptedException e) {
            nobodys.signal().disarm();
            LOG.info("{}: not made: the agent is stopping, or its machine has ended", nobodys.id());
        }
        place.ifPresent(Room.Place::free);
        synchronized (this) {
            making = Optional.empty();
            Supply supply = supplies.get(next.kind());
            if (!kept && supply != null) {
                wantNoMore(next.kind(), supply);
            }
        }
        if (kept) {
            next.over().complete(null);
        } else {
            nobodys.undo().close(timer, () -> next.over().complete(null));
        }
        refill();
    }

    /**
     * Has a guest do once what it does for each process: an emulated CPU has nothing translated after a restore, and what programs are
     * loaded with has not been read. Of roots, the host's own is known to have programs that do nothing.
     */
    private void warmUp(Sandbox nobodys, Guest guest, Kind kind) throws SandboxException, InterruptedException {
        if (!(kind.spec().root() instanceof Root.Directory root) || !root.isHostRoot()) {
            return;
        }
        Timer.Alarm late = timer.after(WARM_UP_TIME, () -> nobodys.signal().stop(StopReason.TIME_UP));
        try {
            ProcessSpec practice = ProcessSpec.newBuilder()
                    .addAllArgv(PRACTICE)
                    .addEnvironment(LOCALE)
                    .setIdentity(kind.owner())
                    .build();
            try (ProcessConnection connection = guest.start(WARM_UP, practice)) {
                connection.closeStdin();
                while (!connection.take().hasTerminated()) {}
            }
            guest.forget(WARM_UP);
        } finally {
            late.cancel();
        }
    }

    /** Returns whether it waits now. */
    private boolean keep(Kind kind, Sandbox nobodys, SandboxMaker.Made made, String seen) {
        Timer.Alarm old = timer.after(AGE, () -> dismiss(kind, nobodys.id()));
        synchronized (this) {
            Supply supply = supplies.get(kind);
            if (!stopped && supply != null) {
                supply.waiting.add(new Waiting(nobodys, made, seen, old));
                LOG.info("{}: waits for a sandbox: {} of its kind now", nobodys.id(), supply.waiting.size());
                var _ = made.live().machine().ended().thenRun(() -> dismiss(kind, nobodys.id()));
                return true;
            }
        }
        old.cancel();
        made.close();
        return false;
    }

    /** One has ended, or is old. */
    private void dismiss(Kind kind, SandboxId id) {
        Optional<Waiting> gone;
        synchronized (this) {
            Supply supply = supplies.get(kind);
            if (supply == null) {
                return;
            }
            gone = supply.waiting.stream()
                    .filter(waiting -> waiting.id().equals(id))
                    .findFirst();
            // One that was taken has its end, too, which says nothing of its kind.
            if (gone.isPresent()) {
                supply.waiting.remove(gone.get());
                wantNoMore(kind, supply);
            }
        }
        gone.ifPresent(this::discard);
    }

    private void discard(Waiting waiting) {
        discard(waiting, new CompletableFuture<>());
    }

    /** On a thread of its own: taking it down takes time. */
    private void discard(Waiting waiting, CompletableFuture<Void> gone) {
        waiting.old().cancel();
        Thread.ofVirtual().name("pool-" + waiting.id()).start(() -> {
            waiting.made().close();
            waiting.nobodys().undo().close(timer, () -> {
                LOG.info("{}: waits no more", waiting.id());
                gone.complete(null);
            });
        });
    }

    /**
     * Ends all that wait, and the making of more.
     *
     * @return completes when nothing is left of them
     */
    CompletableFuture<Void> stop() {
        List<CompletableFuture<Void>> ends = new ArrayList<>();
        synchronized (this) {
            stopped = true;
            making.ifPresent(one -> {
                one.nobodys().signal().stop(StopReason.AGENT_STOPPING);
                ends.add(one.over());
            });
            for (Supply supply : supplies.values()) {
                for (Waiting waiting : supply.waiting) {
                    CompletableFuture<Void> gone = new CompletableFuture<>();
                    ends.add(gone);
                    discard(waiting, gone);
                }
            }
            supplies.clear();
        }
        return CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new));
    }
}
