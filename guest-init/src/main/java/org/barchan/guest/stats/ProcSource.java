package org.barchan.guest.stats;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/** Where the kernel's figures come from. */
interface ProcSource {
    /** Returns what a file below the guest's /proc says, up to a number of bytes. */
    byte[] ofGuest(String file, int most) throws Errno;

    /** Returns the same of a file below that /proc that knows the sandbox's processes alone, by the numbers that they have there. */
    byte[] ofSandbox(String file, int most) throws Errno;

    /** Returns the names in the directory of the latter. */
    List<String> sandboxNames() throws Errno;

    /** Returns the time since the kernel started, in microseconds. */
    long uptimeMicros();

    /**
     * The kernel's own. What the sandbox's init has mounted before it went into its root is still there for the guest's init: it is of the
     * sandbox's process namespace, and nothing that the sandbox does changes what it is or what lies over it.
     */
    final class Kernel implements ProcSource {
        private static final String GUEST = "/proc";
        private static final String SANDBOX = "/stage/proc";

        @Override
        public byte[] ofGuest(String file, int most) throws Errno {
            return read(GUEST + "/" + file, most);
        }

        @Override
        public byte[] ofSandbox(String file, int most) throws Errno {
            return read(SANDBOX + "/" + file, most);
        }

        @Override
        public List<String> sandboxNames() throws Errno {
            List<String> names = new ArrayList<>();
            int directory = Linux.open(SANDBOX, Linux.O_RDONLY);
            try {
                Linux.forEachName(directory, name -> names.add(ProcText.text(name)));
            } finally {
                Linux.close(directory);
            }
            return names;
        }

        @Override
        public long uptimeMicros() {
            return Linux.uptimeMicros();
        }

        private static byte[] read(String path, int most) throws Errno {
            byte[] bytes = new byte[most];
            int size = 0;
            int fd = Linux.open(path, Linux.O_RDONLY);
            try {
                while (size < most) {
                    int n = Linux.read(fd, bytes, size, most - size);
                    if (n < 0) {
                        throw new Errno("read " + path, -n);
                    }
                    if (n == 0) {
                        break;
                    }
                    size += n;
                }
            } finally {
                Linux.close(fd);
            }
            return Arrays.copyOf(bytes, size);
        }
    }
}
