package org.barchan.guest.stats;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.barchan.guest.syscall.Errno;

/** A /proc that says what the test has put there. */
final class FakeProc implements ProcSource {
    final Map<String, byte[]> guest = new HashMap<>();
    final Map<String, byte[]> sandbox = new HashMap<>();
    final List<String> names = new ArrayList<>(List.of("self", "1", "cpuinfo"));

    FakeProc() {
        guest.put("stat", bytes("cpu 1 0 0 0 0 0 0 0 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\n"));
        guest.put("meminfo", bytes("MemTotal: 100 kB\n"));
        guest.put("diskstats", bytes(""));
    }

    static byte[] bytes(String text) {
        return text.getBytes(ISO_8859_1);
    }

    /** A process is there. */
    void process(int pid, String command) {
        names.add(Integer.toString(pid));
        sandbox.put(pid + "/stat", bytes(pid + " (p) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 0 0"));
        sandbox.put(pid + "/status", bytes("Name:\tp\nUid:\t1\t2\t3\t4\n"));
        sandbox.put(pid + "/cmdline", bytes(command));
    }

    @Override
    public byte[] ofGuest(String file, int most) throws Errno {
        return read(guest, file, most);
    }

    @Override
    public byte[] ofSandbox(String file, int most) throws Errno {
        return read(sandbox, file, most);
    }

    private static byte[] read(Map<String, byte[]> files, String file, int most) throws Errno {
        byte[] bytes = files.get(file);
        if (bytes == null) {
            throw new Errno("open " + file, Errno.ENOENT);
        }
        return Arrays.copyOf(bytes, Math.min(bytes.length, most));
    }

    @Override
    public List<String> sandboxNames() {
        return names;
    }

    @Override
    public long uptimeMicros() {
        return 42;
    }
}
