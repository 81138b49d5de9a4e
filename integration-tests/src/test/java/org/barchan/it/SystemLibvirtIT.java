package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import org.barchan.it.HostProcess.Kind;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** {@code qemu:///system}: root's libvirt daemon; the host's own if it runs, else one that is started here. */
class SystemLibvirtIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir
    private static Path directory;

    private static boolean ours;

    @BeforeAll
    static void startDaemon() throws IOException, InterruptedException {
        Root.required("qemu:///system");
        Libvirtd.required();
        if (!Libvirtd.systemListens()) {
            ours = true;
            Libvirtd.startSystem(directory);
        }
    }

    @AfterAll
    static void endDaemon() throws IOException {
        Libvirtd.kill(directory.resolve("libvirtd.pid"));
        Libvirtd.kill(directory.resolve("virtlogd.pid"));
    }

    private static Running start(String... arguments) {
        ProcessBuilder builder = barchan.builder("run", "--connect", "qemu:///system");
        builder.command().addAll(java.util.List.of(arguments));
        return Barchan.launch(builder);
    }

    @Test
    void run_asRoot_runs() {
        assertEquals(
                "hi\n",
                start("--", "echo", "hi").closeStdin().result().expect(0).out());
        barchan.awaitNoSandbox();
    }

    @Test
    void daemonStartedAnew_runThatGoesOn_endsAsEverAndLaterOnesRun() throws Exception {
        Assumptions.assumeTrue(ours, "the host's own libvirtd runs: it is not to be killed by a test");
        try (Running run = start("--name", "on", "--", "sh", "-c", "echo ready; read line; echo $line; exit 7")) {
            run.awaitOut("ready\n");
            Libvirtd.kill(directory.resolve("libvirtd.pid"));
            Libvirtd.kill(directory.resolve("virtlogd.pid"));
            Libvirtd.startSystem(directory);

            Result later = start("--", "echo", "hi").closeStdin().result().expect(0);
            assertEquals("hi\n", later.out());
            assertEquals(1, barchan.sandboxNames().stream().filter("on"::equals).count());
            Result result = run.write("more\n").closeStdin().result().expect(7);
            assertEquals("ready\nmore\n", result.out());
        }
        barchan.awaitNoSandbox();
        assertEquals(0, barchan.processes(Kind.QEMU).size());
    }
}
