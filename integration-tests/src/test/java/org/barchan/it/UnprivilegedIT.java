package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.barchan.it.HostProcess.Kind;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

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
        }
        barchan.awaitNoSandbox();
    }

    @Test
    void bind_readWrite_whatIsMadeIsNobodysOnTheHost(@TempDir(factory = InScratch.class) Path scratch)
            throws IOException {
        Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path directory = Files.createDirectory(scratch.resolve("nobodys"));
        Files.setAttribute(directory, "unix:uid", NOBODY);

        barchan.call(
                        "run",
                        "--mount",
                        "type=bind,src=" + directory + ",dst=" + directory + ",rw",
                        "--cwd",
                        directory.toString(),
                        "--",
                        "sh",
                        "-c",
                        "umask 027; echo mine > file; mkdir d; mv file d; stat -c %u d/file")
                .expect(0);

        Path file = directory.resolve("d/file");
        assertEquals("mine\n", Files.readString(file));
        assertEquals(NOBODY, Files.getAttribute(file, "unix:uid"));
        assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    }

    @Test
    void images_ofNobody_areWrittenToByNobodyAlone(@TempDir(factory = InScratch.class) Path scratch) throws Exception {
        DiskImages images = new DiskImages(scratch);
        Path tree = Files.createDirectory(scratch.resolve("tree"));
        Path open = Files.createDirectory(tree.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path image = images.of("ext4", tree);
        Path disk = images.empty("disk", 1 << 20);
        Path roots = images.empty("roots", 1 << 20);
        for (Path own : List.of(image, disk, roots)) {
            Files.setPosixFilePermissions(own, PosixFilePermissions.fromString("rw-------"));
            if (!own.equals(roots)) {
                Files.setAttribute(own, "unix:uid", NOBODY);
            }
        }

        barchan.call("run", "--disk", "tag=a,src=" + roots, "--", "true")
                .expect(125)
                .expectStderr("attaching the image .*roots as disk a: user nobody can't read");
        barchan.call(
                        "run",
                        "--cwd",
                        "/",
                        "--mount",
                        "type=image,src=" + image + ",dst=/mnt,rw",
                        "--disk",
                        "tag=d,src=" + disk + ",rw",
                        "--",
                        "sh",
                        "-c",
                        "echo mine > /mnt/open/file && printf written > /dev/disk/by-tag/d")
                .expect(0);

        assertEquals(
                "mine\n",
                DiskImages.tool("debugfs", "-R", "cat /open/file", image.toString())
                        .replaceFirst("^debugfs.*\n", ""));
        assertEquals("written", Files.readString(disk).substring(0, 7));
        DiskImages.checkWhole("ext4", image);
    }

    private static int uid(HostProcess process) {
        try {
            return (Integer) Files.getAttribute(Path.of("/proc", Long.toString(process.pid())), "unix:uid");
        } catch (IOException e) {
            throw new AssertionError("cannot tell whose " + process + " is", e);
        }
    }
}
