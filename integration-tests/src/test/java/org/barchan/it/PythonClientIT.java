package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The public API from another language, with stubs made of the protocol files and nothing of Barchan's own. */
class PythonClientIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @Test
    void python_runsACommandOverTheSocket(@TempDir Path directory) throws IOException {
        barchan.call("list").expect(0);
        Path socket = barchan.installation().agentSocket();
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket.getParent())));

        Result result = python(directory, "client.py").expect(0);
        assertEquals(
                List.of(
                        "health SERVING",
                        "agent " + barchan.agent().pid(),
                        "sandbox running",
                        "stdout b'from python\\x00\\xff'",
                        "stderr b'seen\\n'",
                        "exit_code 7 cause 1 offsets 13 5",
                        "bad request INVALID_ARGUMENT",
                        "absent NOT_FOUND"),
                result.out().lines().toList(),
                result::toString);
        assertTrue(result.err().isEmpty(), result::toString);
    }

    /** More than the guest's init would have memory for, if it kept what has ended or let each keep what it writes. */
    @Test
    void python_runsManyProcessesInOneSandbox(@TempDir Path directory) throws IOException {
        barchan.call("list").expect(0);
        Result result = python(directory, "many.py").expect(0);
        assertEquals(
                List.of(
                        "one after the other: 270 right",
                        "at once, unread: 40 right",
                        "more than may be: RESOURCE_EXHAUSTED, 255 run",
                        "after those: 0"),
                result.out().lines().toList(),
                result::toString);
    }

    /** Runs a script with the agent's socket as its argument. */
    private Result python(Path directory, String name) throws IOException {
        generateStubs(directory);
        Path script = directory.resolve(name);
        try (InputStream source = getClass().getResourceAsStream(name)) {
            Files.copy(Objects.requireNonNull(source), script);
        }
        return run(
                directory,
                List.of(
                        "/usr/bin/python3",
                        script.toString(),
                        barchan.installation().agentSocket().toString()));
    }

    private static void generateStubs(Path directory) throws IOException {
        Path protos = barchan.installation().home().resolve("proto/src/main/protobuf");
        List<String> protoc = new ArrayList<>(List.of(
                "protoc",
                "-I" + protos,
                "--python_out=" + directory,
                "--grpc_out=" + directory,
                "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin"));
        try (Stream<Path> files = Files.list(protos.resolve("barchan/v1"))) {
            files.filter(file -> file.toString().endsWith(".proto"))
                    .sorted()
                    .forEach(file -> protoc.add(file.toString()));
        }
        run(directory, protoc).expect(0);
    }

    private static Result run(Path directory, List<String> command) {
        return Barchan.launch(new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectInput(new File("/dev/null")))
                .result();
    }
}
