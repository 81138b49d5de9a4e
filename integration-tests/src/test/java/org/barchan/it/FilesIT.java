package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Files copied into a sandbox and out of it, and what stays as it was when that can't be. One sandbox for all. */
class FilesIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    /** Odd names, a link that leads out, modes and a time: made by a shell, since Java knows no names that are no text. */
    private static final String TREE = """
            mkdir -p t/sub/deep t/empty; echo plain > t/plain; echo x > "t/a blank"; echo x > "$(printf 't/line\\nfeed')"
            echo x > "$(printf 't/b\\377yte')"; ln -s /etc/passwd t/sub/link; ln -s ../.. t/sub/up; : > t/sub/deep/none
            chmod 640 t/plain; chmod 4755 "t/a blank"; chmod 700 t/sub; touch -d @1000000000 t/plain t/empty
            """;

    /** What a tree is, but for the times of directories and the owners. */
    private static final String LIST =
            "cd \"$1\" && find . -printf '%P %y %m %l\\0' | sort -z | tr '\\0' '\\n' && stat -c %Y plain empty && find . -type f -print0 | sort -z | xargs -0 cat";

    private static Running box;
    private final Path scratch;

    FilesIT(@TempDir(factory = InScratch.class) Path scratch) {
        this.scratch = scratch;
    }

    @BeforeAll
    static void start() {
        box = Barchan.launch(barchan.builder(
                "run",
                "-p",
                "-n",
                "box",
                "--root-mode",
                "overlay",
                "-m",
                "type=tmpfs,dst=/mnt,size=4M",
                "--",
                "sh",
                "-c",
                "echo ready; read line"));
        box.awaitOut("ready\n");
    }

    @AfterAll
    static void end() {
        box.write("\n").result().expect(0);
    }

    @Test
    void copy_thatCantBe_isSaidSo() throws Exception {
        Path file = Files.writeString(scratch.resolve("file"), "x");
        barchan.call("cp", file.toString(), scratch.toString()).expect(125).expectStderr("none is in a sandbox");
        barchan.call("cp", "box:/a", "box:/b").expect(125).expectStderr("both are in sandboxes");
        barchan.call("cp", "box:", scratch.toString()).expect(125).expectStderr("no path");
        barchan.call("cp", "nobody:/a", scratch.toString()).expect(125).expectStderr("nobody");
        barchan.call("cp", "box:/nonexistent", scratch.toString()).expect(125).expectStderr("no such file");
        barchan.call("cp", "box:/etc/passwd/", scratch.toString()).expect(125).expectStderr("not a directory");
        barchan.call("cp", scratch + "/nonexistent", "box:/tmp").expect(125).expectStderr("No such file");
        barchan.call("cp", file.toString(), "box:/tmp/none/").expect(125).expectStderr("no such directory");
        barchan.call("cp", file.toString(), "box:/tmp/none/x").expect(1).expectStderr("no such file");
        barchan.call("cp", file.toString(), "box:/proc/sys/kernel/x").expect(1).expectStderr("not copied");
        barchan.call("cp", "box:/dev/zero", scratch.toString()).expect(1).expectStderr("special file");
        barchan.call("cp", file.toString(), "box:/dev/null").expect(1).expectStderr("special file");
    }

    @Test
    void copy_thereAndBack_isTheSame() throws Exception {
        assertEquals(0, shell(TREE + "cd t; ", "").status());
        String before = shell(LIST, "t").out();

        barchan.call("cp", "-a", scratch + "/t", "box:/srv").expect(0);
        assertEquals(before, exec(LIST, "/srv/t").out());
        barchan.call(
                        "cp",
                        "-a",
                        "box:/srv/t/.",
                        Files.createDirectory(scratch.resolve("back")).toString())
                .expect(0);
        assertEquals(before, shell(LIST, "back").out());

        barchan.call("cp", "box:srv/t", scratch + "/plain").expect(0);
        assertEquals(
                before.replace("f 4755", "f 755"), shell(LIST, "plain").out(), "set-user-ID is the sandbox's affair");
    }

    @Test
    void hole_thereAndBack_staysOne() throws Exception {
        Path sparse = scratch.resolve("sparse");
        try (FileChannel channel = FileChannel.open(
                sparse, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.wrap(new byte[1 << 20]), 500L << 20);
            channel.write(ByteBuffer.wrap(new byte[] {1}), (1L << 30) - 1);
        }
        barchan.call("cp", sparse.toString(), "box:/srv/sparse").expect(0);
        Result there = exec("stat -c %s /srv/sparse; test $(stat -c %b /srv/sparse) -lt 8192 && echo small", "")
                .expect(0);
        assertEquals((1L << 30) + "\nsmall\n", there.out());
        barchan.call("cp", "box:/srv/sparse", scratch + "/back").expect(0);

        assertEquals(-1, Files.mismatch(sparse, scratch.resolve("back")));
        assertTrue(Long.parseLong(shell("stat -c %b back", "").out().strip()) < 8192);
    }

    @Test
    void copy_thatDoesNotFit_leavesWhatWasThere() throws Exception {
        exec("echo old > /mnt/file", "").expect(0);
        Path large = Files.write(scratch.resolve("large"), new byte[6 << 20]);
        // What was under way when the guest said no had stopped the link once it was 1 MiB in all.
        for (int i = 0; i < 3; i++) {
            barchan.call("cp", large.toString(), "box:/mnt/file").expect(125).expectStderr("no space left");
        }
        assertEquals(
                "old\nfile\n", exec("cat /mnt/file; ls -A /mnt", "").expect(0).out());
    }

    @Test
    void replacedFile_isTheOldOrTheNew_andKeepsItsOwner() throws Exception {
        exec("cd /srv; head -c 300000 /dev/zero | tr '\\0' a > f; chown 7:8 f; chmod 604 f", "")
                .expect(0);
        Path other = Files.write(scratch.resolve("other"), "b".repeat(300_000).getBytes(StandardCharsets.UTF_8));
        String reader =
                "cd /srv; echo up; while [ ! -e stop ]; do tr -d '\\n' < f | fold -w 300000 | tr -s ab; echo; done | sort | uniq";
        try (Running readers = barchan.start("exec", "box", "--", "sh", "-c", reader)) {
            readers.awaitOut("up\n");
            barchan.call("cp", other.toString(), "box:/srv/f").expect(0);
            exec("touch /srv/stop", "").expect(0);
            Result seen = readers.result().expect(0);
            assertTrue(seen.out().lines().allMatch(line -> line.isEmpty() || line.matches("up|a|b")), seen::toString);
        }
        assertEquals(
                "7:8\n",
                exec("stat -c %u:%g /srv/f; rm /srv/stop", "").expect(0).out());
    }

    @Test
    void link_ofTheSandbox_leadsNowhereElse() throws Exception {
        String marker = scratch + "/marker";
        Files.writeString(Path.of(marker), "host");
        exec("cd /srv; mkdir -p d; ln -sfn /proc/1/root/etc d/magic; ln -sfn ../../../../../../etc/passwd d/above", "")
                .expect(0);
        barchan.call("cp", "-L", "box:/srv/d/magic/passwd", scratch.toString()).expect(125);
        barchan.call("cp", "-L", "box:/srv/d/above", scratch + "/passwd").expect(0);
        assertEquals(exec("cat /etc/passwd", "").out(), Files.readString(scratch.resolve("passwd")));

        // A directory of the caller's with a link that a sandbox could have made before.
        Path target = Files.createDirectory(scratch.resolve("target"));
        Path outside = Files.createDirectory(scratch.resolve("outside"));
        Files.createSymbolicLink(target.resolve("d"), outside);
        Result refused = barchan.call("cp", "box:/srv/d", target.toString()).expect(1);
        assertTrue(refused.err().contains("target/d"), refused::toString);
        assertFalse(Files.exists(outside.resolve("above"), LinkOption.NOFOLLOW_LINKS));
    }

    private Result shell(String script, String argument) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", script, "sh", argument).directory(scratch.toFile());
        return Barchan.launch(builder).closeStdin().result();
    }

    private static Result exec(String script, String argument) {
        return barchan.call("exec", "-p", "box", "--", "sh", "-c", script, "sh", argument);
    }
}
