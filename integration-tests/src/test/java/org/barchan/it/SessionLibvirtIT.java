package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code qemu:///session}: the libvirt daemon of a user who is not root, which libvirt starts when it is needed. */
class SessionLibvirtIT {
    private static final int NOBODY = 65534;

    @RegisterExtension
    static final Barchan barchan = Barchan.ofUser(NOBODY);

    private static Path home = Path.of("/nonexistent");

    @BeforeAll
    static void makeHome() throws IOException {
        Root.required("becoming another user");
        Libvirtd.required();
        home = Installation.makeParent();
        for (Path directory : List.of(home, home.resolve("run"))) {
            Files.createDirectories(directory);
            Files.setAttribute(directory, "unix:uid", NOBODY);
            Files.setAttribute(directory, "unix:gid", NOBODY);
        }
    }

    @AfterAll
    static void endDaemons() throws IOException {
        Libvirtd.kill(pidFile("libvirtd"));
        Libvirtd.kill(pidFile("virtlogd"));
        Barchan.deleteTree(home);
    }

    private static Path pidFile(String daemon) {
        return home.resolve("run/libvirt").resolve(daemon + ".pid");
    }

    private static Result run(String... command) {
        ProcessBuilder builder = barchan.builder("run", "--connect", "qemu:///session", "--", "sh", "-c");
        builder.command().addAll(List.of(command));
        builder.environment().put("HOME", home.toString());
        builder.environment().put("XDG_RUNTIME_DIR", home.resolve("run").toString());
        return Barchan.launch(builder).closeStdin().result();
    }

    @Test
    void run_beforeAndAfterItsDaemonWasKilled_runs() throws IOException {
        assertEquals("hi\n", run("echo hi").expect(0).out());
        String first = Files.readString(pidFile("libvirtd"));

        Libvirtd.kill(pidFile("libvirtd"));

        assertEquals(NOBODY + "\n", run("id -u").expect(0).out());
        assertNotEquals(first, Files.readString(pidFile("libvirtd")));
        barchan.awaitNoSandbox();
    }
}
