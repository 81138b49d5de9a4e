package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.barchan.it.HostProcess.Kind;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Everything by a user who is not root: client, agent and virtual machine. */
class UnprivilegedIT {
    private static final int NOBODY = 65534;

    @RegisterExtension
    static final Barchan barchan = Barchan.ofUser(NOBODY);

    @BeforeAll
    static void preconditions() throws IOException, InterruptedException {
        Root.required("becoming another user");
        Path executable = barchan.installation().executable();
        Running look = Barchan.launch(new ProcessBuilder(
                "setpriv",
                "--reuid=" + NOBODY,
                "--regid=" + NOBODY,
                "--clear-groups",
                "test",
                "-x",
                executable.toString()));
        assumeTrue(look.result().status() == 0, () -> "user " + NOBODY + " cannot reach " + executable);
    }

    @Test
    void run_asNobody_isNobodyInTheGuestAndOnTheHost() {
        String script = "id -u; id -g; cat /etc/shadow; echo ready; read line";
        try (Running run = Barchan.launch(barchan.builder("run", "--", "sh", "-c", script))) {
            run.awaitOut("ready\n");
            assertEquals(NOBODY, uid(barchan.agent()));
            assertEquals(NOBODY, uid(barchan.processes(Kind.QEMU).getFirst()));
            Result result = run.write("\n").closeStdin().result().expect(0);
            assertEquals(NOBODY + "\n" + NOBODY + "\nready\n", result.out());
            result.expectStderr("/etc/shadow: permission denied");
        }
        barchan.awaitNoSandbox();
    }

    private static int uid(HostProcess process) {
        try {
            return (Integer) Files.getAttribute(Path.of("/proc", Long.toString(process.pid())), "unix:uid");
        } catch (IOException e) {
            throw new AssertionError("cannot tell whose " + process + " is", e);
        }
    }
}
