package org.barchan.guest.boot;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/** Process 1 of the sandbox's own process namespace, up to where it is ready: see sandbox-init.c. Owned by one thread at a time. */
final class SandboxInit {
    private static final String PROGRAM = "/sandbox-init";

    private final int pid;
    private final int orders;
    private final int status;
    private final StringBuilder unread = new StringBuilder();
    private boolean staged;

    private SandboxInit(int pid, int orders, int status) {
        this.pid = pid;
        this.orders = orders;
        this.status = status;
    }

    /** Starts it. It makes /proc, /sys and /dev meanwhile, and waits for its orders. */
    static SandboxInit start() throws Errno {
        int[] orders = Linux.pipe(0);
        int[] status = Linux.pipe(0);
        try {
            return new SandboxInit(Linux.spawnSandbox(PROGRAM, orders[0], status[1]), orders[1], status[0]);
        } finally {
            Linux.close(orders[0]);
            Linux.close(status[1]);
        }
    }

    /** Returns when it waits for its orders and has nothing else to do. */
    void awaitStaged() throws IOException {
        if (!staged) {
            expect("staged");
            staged = true;
        }
    }

    /**
     * Has it go where the sandbox is to be, with all that is mounted there by now. May be called once.
     *
     * @param root a directory
     * @param disks what is to be in /dev, as sandbox-init.c says
     * @return its process id, when it is ready
     */
    int enter(String root, List<String> disks) throws IOException {
        byte[] all = (root + "\0"
                        + String.join(
                                "", disks.stream().map(disk -> disk + "\0").toList()))
                .getBytes(StandardCharsets.UTF_8);
        for (int sent = 0; sent < all.length; ) {
            int n = Linux.write(orders, all, sent, all.length - sent);
            if (n < 0) {
                // It has ended, and says why.
                break;
            }
            sent += n;
        }
        Linux.close(orders);
        awaitStaged();
        expect("ready");
        Linux.close(status);
        return pid;
    }

    private void expect(String word) throws IOException {
        String answer = line();
        if (!answer.equals("0 " + word)) {
            int blank = answer.indexOf(' ');
            throw new IOException(
                    blank < 0
                            ? "sandbox-init ended without a word"
                            : answer.substring(blank + 1) + ": "
                                    + Errno.describe(Integer.parseInt(answer.substring(0, blank))));
        }
    }

    /** Returns what it says, an error number first; nothing once it has ended. */
    private String line() {
        byte[] piece = new byte[4096];
        while (unread.indexOf("\n") < 0) {
            int n = Linux.read(status, piece, 0, piece.length);
            if (n <= 0) {
                return "";
            }
            unread.append(new String(piece, 0, n, StandardCharsets.UTF_8));
        }
        int end = unread.indexOf("\n");
        String line = unread.substring(0, end);
        unread.delete(0, end + 1);
        return line;
    }
}
