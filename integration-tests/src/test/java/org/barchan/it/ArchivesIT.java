package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Tar archives of files of a sandbox, and unpacked in one; and what is not unpacked. One sandbox for all. */
class ArchivesIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    private static final String TREE = """
            mkdir -p t/sub/deep t/empty t/many; echo plain > t/plain; ln t/plain t/sub/other; ln -s ../../etc/passwd t/sub/link
            echo x > "$(printf 't/b\\377yte')"; : > "t/$(printf %0200d 0)"; chmod 4750 t/plain; chmod 700 t/sub
            truncate -s 1G t/sparse; printf end >> t/sparse
            for i in $(seq 2000); do echo $i > t/many/$i; done
            touch -d @1000000000 t/plain t/empty t/sub t/many
            """;

    private static final String LIST = """
            cd "$1" && find . -printf '%P %y %m %l\\0' | sort -z | tr '\\0' '\\n'; stat -c %Y plain empty sub many; stat -c %h plain sub/other
            cat plain sub/other many/1999; tail -c 3 sparse; test $(stat -c %b sparse) -lt 2000 && echo small
            """;

    private static Running box;
    private final Path scratch;

    ArchivesIT(@TempDir(factory = InScratch.class) Path scratch) {
        this.scratch = scratch;
    }

    @BeforeAll
    static void start() {
        box = Barchan.launch(barchan.builder(
                "run", "-p", "-n", "box", "--root-mode", "overlay", "--", "sh", "-c", "echo ready; read line"));
        box.awaitOut("ready\n");
    }

    @AfterAll
    static void end() {
        box.write("\n").result().expect(0);
    }

    @Test
    void tree_thereAndBack_isTheSame() throws Exception {
        shell(TREE + "tar -cSf there.tar t").expect(0);
        String before = shell(LIST, "t").expect(0).out();

        unpack("there.tar", "-a", "box:/srv").expect(0);
        assertEquals(before, exec(LIST, "/srv/t").out());
        pack("back.tar", "box:/srv/t").expect(0);
        assertTrue(Files.size(scratch.resolve("back.tar")) < 10 << 20, "holes take room");
        shell("mkdir back; tar -xpf back.tar -C back").expect(0);
        assertEquals(before, shell(LIST, "back/t").out());

        // Without owners and special bits, over what is there.
        unpack("there.tar", "box:/srv").expect(0);
        assertEquals(
                "750 0 5\n",
                exec("stat -c '%a %u' /srv/t/plain | tr '\\n' ' '; wc -c < /srv/t/many/1999", "")
                        .out());
        pack("contents.tar", "box:/srv/t/sub/.").expect(0);
        assertEquals(
                "./\n./deep/\n./link\n./other\n",
                shell("tar -tf contents.tar | sort").expect(0).out());
    }

    @Test
    void entry_landsNowhereElse() throws Exception {
        shell("""
                mkdir -p a; ln -s /etc a/evil; tar -cf link.tar a; rm a/evil; mkdir a/evil; echo x > a/evil/barchan-x; tar -rf link.tar a/evil/barchan-x
                mkdir -p b/c; echo x > b/x; cd b/c; tar -cPf ../../above.tar ../x
                """).expect(0);
        exec("mkdir -p /srv/in; ln -sfn /etc /srv/in/etc; ln -sfn . /srv/in/here", "")
                .expect(0);
        unpack("link.tar", "box:/srv/in").expect(125);
        unpack("above.tar", "box:/srv/in").expect(125).expectStderr("leads out");
        shell(
                        "rm -rf a; mkdir -p etc here; echo x > etc/barchan-x; echo y > here/y; tar -cf etc.tar etc/barchan-x; tar -cf here.tar here/y")
                .expect(0);
        unpack("etc.tar", "box:/srv/in").expect(125);
        unpack("here.tar", "box:/srv/in").expect(0);
        assertEquals(
                "y\n",
                exec("cat /srv/in/y; ls /etc/barchan-x /srv/x 2>/dev/null", "").out());
    }

    @Test
    void archive_thatCantBe_isSaidSo() throws Exception {
        shell(
                        "mkdir d; mkfifo d/fifo; echo x > d/x; tar -cf fifo.tar d; head -c 100000 /dev/zero > d/big; tar -cf big.tar d")
                .expect(0);
        unpack("fifo.tar", "box:/srv").expect(1).expectStderr("d/fifo: is a special file");
        assertEquals("x\n", exec("ls -A /srv/d", "").out());

        byte[] whole = Files.readAllBytes(scratch.resolve("big.tar"));
        Files.write(scratch.resolve("half.tar"), Arrays.copyOf(whole, whole.length / 2));
        unpack("half.tar", "box:/srv").expect(125).expectStderr("cut off");
        assertEquals("x\n", exec("ls -A /srv/d", "").out());
        shell("gzip < big.tar > big.tar.gz").expect(0);
        unpack("big.tar.gz", "box:/srv").expect(125).expectStderr("tar archive");
        unpack("big.tar", "box:/nonexistent").expect(125).expectStderr("no such file");
        unpack("big.tar", "box:/etc/passwd").expect(125);
        pack("none.tar", "box:/nonexistent").expect(125).expectStderr("no such file");
        pack("proc.tar", "box:/proc/sys/kernel/hostname").expect(0);
    }

    private Result unpack(String archive, String... arguments) throws IOException {
        String[] all = new String[arguments.length + 2];
        all[0] = "cp";
        System.arraycopy(arguments, 0, all, 1, arguments.length - 1);
        all[arguments.length] = "-";
        all[arguments.length + 1] = arguments[arguments.length - 1];
        return Barchan.launch(barchan.builder(all)
                        .redirectInput(scratch.resolve(archive).toFile()))
                .result();
    }

    private Result pack(String archive, String source) throws IOException {
        return Barchan.launch(barchan.builder("cp", source, "-")
                        .redirectOutput(scratch.resolve(archive).toFile()))
                .result();
    }

    private Result shell(String script, String... arguments) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", script, "sh", arguments.length == 0 ? "" : arguments[0])
                .directory(scratch.toFile());
        return Barchan.launch(builder).closeStdin().result();
    }

    private static Result exec(String script, String argument) {
        return barchan.call("exec", "-p", "box", "--", "sh", "-c", script, "sh", argument);
    }
}
