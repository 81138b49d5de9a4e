package org.barchan.host.adapter.linux;

import com.sun.jna.Memory;
import com.sun.jna.NativeLong;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.barchan.host.sandbox.HostUser;

/** The users of this machine. Safe for use by many threads. */
final class Users {
    private static final long SYS_SETGROUPS_X86_64 = 116;
    private static final int MAX_GROUPS = 1024;

    private final LibC libc = LibC.INSTANCE;
    /** getpwuid(3) answers in one static place. */
    private final Object passwd = new Object();

    HostUser self() {
        return new HostUser(libc.geteuid(), libc.getegid());
    }

    Optional<HostUser> find(String name) {
        synchronized (passwd) {
            LibC.Passwd entry = libc.getpwnam(name);
            return entry == null ? Optional.empty() : Optional.of(new HostUser(entry.uid, entry.gid));
        }
    }

    Optional<String> name(int uid) {
        synchronized (passwd) {
            LibC.Passwd entry = libc.getpwuid(uid);
            return entry == null ? Optional.empty() : Optional.ofNullable(entry.name);
        }
    }

    Optional<String> home(int uid) {
        synchronized (passwd) {
            LibC.Passwd entry = libc.getpwuid(uid);
            return entry == null ? Optional.empty() : Optional.ofNullable(entry.directory);
        }
    }

    /**
     * Does something with the file access rights of another user: the kernel decides, so that access lists count too. On a thread
     * that ends with it, since rights that have been given away are not taken back.
     *
     * @throws IllegalStateException when the agent may not act as that user
     */
    <T> T as(HostUser user, Callable<T> action) throws Exception {
        if (user.equals(self())) {
            return action.call();
        }
        FutureTask<T> task = new FutureTask<>(() -> {
            become(user);
            return action.call();
        });
        Thread thread = Thread.ofPlatform().name("as-" + user.uid()).start(task);
        try {
            T result = task.get();
            thread.join();
            return result;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    private void become(HostUser user) {
        int[] groups = groups(user);
        try (Memory list = new Memory(Math.max(1, groups.length) * 4L)) {
            list.write(0, groups, 0, groups.length);
            long result = libc.syscall(new NativeLong(SYS_SETGROUPS_X86_64), new NativeLong(groups.length), list)
                    .longValue();
            libc.setfsgid(user.gid());
            libc.setfsuid(user.uid());
            // They never fail; asking with an impossible number tells what is in force.
            if (result != 0 || libc.setfsgid(-1) != user.gid() || libc.setfsuid(-1) != user.uid()) {
                throw new IllegalStateException("taking on the file access rights of user " + user.uid() + ":"
                        + user.gid() + " failed: the agent lacks the capabilities (it should run as root)");
            }
        }
    }

    private int[] groups(HostUser user) {
        Optional<String> name = name(user.uid());
        int[] groups = new int[MAX_GROUPS];
        int[] count = {MAX_GROUPS};
        if (name.isEmpty() || libc.getgrouplist(name.get(), user.gid(), groups, count) < 0) {
            return new int[] {user.gid()};
        }
        return java.util.Arrays.copyOf(groups, count[0]);
    }
}
