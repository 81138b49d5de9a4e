package org.barchan.guest.boot;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.barchan.guest.link.VirtioPort;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.SmallFile;
import org.barchan.guest.syscall.Uevents;

/** The guest's way from its kernel's start to the link. */
public final class Boot {
    private Boot() {}

    /** Mounts what the init itself needs, loads the link's drivers, and opens its port. /proc was mounted before main. */
    public static VirtioPort toLink(String portName, Duration timeout) throws Errno, IOException {
        Console.setVerbose(List.of(SmallFile.read("/proc/cmdline").split(" ")).contains("barchan.debug=1"));
        Console.debug("init was executed at " + Linux.execMicros() / 1000 + " ms");
        mount("sysfs", "/sys");
        mount("devtmpfs", "/dev");
        try (Uevents uevents = Uevents.listen()) {
            Modules.load(Modules.bootList());
            Console.debug("the link's drivers are loaded");
            VirtioPort port = VirtioPort.open(portName, uevents, timeout);
            Console.debug("the port is open");
            return port;
        }
    }

    private static void mount(String type, String target) throws Errno {
        try {
            Linux.mount(type, target.getBytes(StandardCharsets.UTF_8), type, Linux.MS_NOSUID, "");
        } catch (Errno e) {
            if (e.number() != Errno.EBUSY) { // A kernel may mount /dev itself.
                throw e;
            }
        }
    }
}
