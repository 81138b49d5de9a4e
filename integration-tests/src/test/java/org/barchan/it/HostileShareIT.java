package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How far an application gets that means harm, in a directory of the host that it may write to. */
class HostileShareIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir(factory = InScratch.class)
    Path scratch;

    private Path directory = Path.of("/nonexistent");

    @BeforeEach
    void fill() throws IOException {
        directory = SharedDirectory.in(scratch);
    }

    /** What is done in a share stays below it, and is nothing that a user of the host could not have made there. */
    @ParameterizedTest
    @CsvSource({"9p, false", "9p, true", "virtiofs, false", "virtiofs, true"})
    void hostileApplication_inAWritableShare_getsNoFurther(String transport, boolean privileged) throws Exception {
        Path secret = Files.writeString(scratch.resolve("secret"), "secret\n");
        Files.createSymbolicLink(directory.resolve("link"), secret);
        Files.createSymbolicLink(directory.resolve("relative"), Path.of("../secret"));
        assertEquals(
                0,
                new ProcessBuilder(
                                "mkfifo", "-m", "666", directory.resolve("fifo").toString())
                        .inheritIO()
                        .start()
                        .waitFor());
        Path root = emptyRoot();
        Map<String, String> outside = SharedDirectory.inventory(scratch, directory);

        List<String> options = new ArrayList<>(List.of("run", "--cwd", "/", "--root", root.toString(), "-m", usr()));
        options.addAll(List.of("-m", "type=bind,src=" + directory + ",dst=/srv,rw,transport=" + transport));
        if (privileged) {
            Root.required("a privileged command");
            options.add("--privileged");
        }
        options.addAll(List.of("--", "sh", "-c", """
                cat /srv/link /srv/relative /srv/../secret 2>/dev/null
                mknod /srv/null c 1 3 && echo device; mknod /srv/disk b 8 0 && echo disk
                touch /srv/s && chmod 6755 /srv/s; chown 0:0 /srv/s 2>/dev/null; chmod g+s /srv/sub
                cat /srv/fifo > /dev/null & reader=$!; echo x > /srv/fifo; wait $reader
                ln /srv/link /srv/hard 2>/dev/null; ln -s /etc/passwd /srv/passwd; cat /srv/passwd 2>/dev/null
                mv /srv/file /srv/../file 2>/dev/null
                echo end
                """));

        Result result = barchan.call(options.toArray(String[]::new));

        assertEquals("end\n", result.out(), result::toString);
        assertEquals("secret\n", Files.readString(secret));
        assertEquals(outside, SharedDirectory.inventory(scratch, directory));
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.toList()) {
                boolean other = (boolean) Files.getAttribute(file, "isOther", LinkOption.NOFOLLOW_LINKS);
                assertTrue(!other || file.endsWith("fifo"), () -> "a device or the like was made: " + file);
                assertTrue(
                        transport.equals("9p")
                                || ((Integer) Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 06000)
                                        == 0,
                        () -> "set-user-ID: " + file);
            }
        }
    }

    private static String usr() {
        return "type=bind,src=/usr,dst=/usr,ro";
    }

    /** A root with nothing of the host's but what programs need. */
    private Path emptyRoot() throws IOException {
        Path root = Files.createDirectory(scratch.resolve("root"));
        for (String name : List.of("proc", "sys", "dev", "usr", "tmp", "srv")) {
            Files.createDirectory(root.resolve(name));
        }
        for (String name : List.of("bin", "lib", "lib64")) {
            Files.createSymbolicLink(root.resolve(name), Path.of("usr", name));
        }
        return root;
    }
}
