package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Servers that people run, used through ports of the host: the sandbox has no network. */
@Timeout(value = 240, unit = TimeUnit.SECONDS)
class ServicesIT {
    private static final Duration FETCHED = Duration.ofSeconds(60);

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @TempDir(factory = InScratch.class)
    @SuppressWarnings("NullAway.Init")
    private Path scratch;

    @AfterEach
    void deleteAll() {
        barchan.sandboxNames().forEach(name -> barchan.call("rm", "--force", name));
        barchan.awaitNoSandbox();
    }

    @Test
    void webServer_isFetchedFrom_andStopsCleanly() throws Exception {
        Path directory = SharedDirectory.in(scratch);
        byte[] large = new byte[8 << 20];
        new Random(1).nextBytes(large);
        Files.write(directory.resolve("large"), large);
        barchan.call(
                        "run",
                        "--detach",
                        "--name",
                        "web",
                        "--publish",
                        "0:8080",
                        "--mount",
                        "type=bind,src=" + directory + ",dst=/www,ro",
                        "--",
                        "python3",
                        "-u",
                        "-m",
                        "http.server",
                        "--bind",
                        "127.0.0.1",
                        "--directory",
                        "/www",
                        "8080")
                .expect(0);
        awaitLog("web", "Serving HTTP");

        HttpClient client = HttpClient.newBuilder().connectTimeout(FETCHED).build();
        for (int i = 0; i < 10; i++) {
            assertEquals("host\n", fetch(client, "file", HttpResponse.BodyHandlers.ofString()));
        }
        assertArrayEquals(large, fetch(client, "large", HttpResponse.BodyHandlers.ofByteArray()));

        barchan.call("stop", "--signal", "INT", "web").expect(0);
        assertEquals("0\n", barchan.call("wait", "web").expect(0).out());
    }

    private static <T> T fetch(HttpClient client, String name, HttpResponse.BodyHandler<T> body)
            throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + hostPort("web") + "/" + name);
        HttpResponse<T> response =
                client.send(HttpRequest.newBuilder(uri).timeout(FETCHED).build(), body);
        assertEquals(200, response.statusCode());
        return response.body();
    }

    /** On a directory of the host, as people keep their data: what it has promised to have written is there after the sandbox. */
    @Test
    void database_isMade_used_andStopsCleanly() throws Exception {
        Path data = scratch.resolve("data");
        Files.createDirectory(data, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        tool("chown", "postgres", data.toString());
        String script = """
                set -e
                %1$s/initdb -D /data -A trust --locale C > /tmp/said || { cat /tmp/said >&2; exit 1; }
                exec %1$s/postgres -D /data -k /tmp -c listen_addresses=127.0.0.1 2>&1
                """.formatted(postgresDirectory());
        barchan.call(
                        "run",
                        "--detach",
                        "--name",
                        "db",
                        "--memory",
                        "1G",
                        "--user",
                        "postgres",
                        "--publish",
                        "0:5432",
                        "--mount",
                        "type=bind,src=" + data + ",dst=/data,rw",
                        "--",
                        "sh",
                        "-c",
                        script)
                .expect(0);
        awaitLog("db", "ready to accept connections");

        bench("-i", "-s", "1", "-q");
        Result used = bench("-c", "4", "-t", "25");
        assertTrue(used.out().contains("number of transactions actually processed: 100/100"), used::toString);
        assertEquals(
                "100000|100\n",
                barchan.call(
                                "exec",
                                "--user",
                                "postgres",
                                "db",
                                "--",
                                "psql",
                                "-h",
                                "/tmp",
                                "-At",
                                "-c",
                                "select (select count(*) from pgbench_accounts), (select count(*) from pgbench_history)")
                        .expect(0)
                        .out());

        barchan.call("stop", "--timeout", "60", "db").expect(0);
        assertEquals("0\n", barchan.call("wait", "db").expect(0).out());
        assertTrue(
                barchan.call("logs", "db").expect(0).out().contains("database system is shut down"),
                "it does not say that it was stopped");
        assertTrue(
                tool(postgresDirectory() + "/pg_controldata", data.toString())
                        .out()
                        .contains("Database cluster state:               shut down\n"),
                "it has to recover");
    }

    private static Result bench(String... options) throws IOException {
        return tool(Stream.of(
                        List.of(
                                postgresDirectory() + "/pgbench",
                                "-h",
                                "127.0.0.1",
                                "-p",
                                Integer.toString(hostPort("db")),
                                "-U",
                                "postgres"),
                        List.of(options),
                        List.of("postgres"))
                .flatMap(List::stream)
                .toArray(String[]::new));
    }

    private static Result tool(String... command) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("LC_ALL", "C");
        return Barchan.launch(builder).result().expect(0);
    }

    /** Each version has a directory of its own. */
    private static String postgresDirectory() throws IOException {
        try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
            return versions.map(version -> version.resolve("bin"))
                    .filter(bin -> Files.isExecutable(bin.resolve("initdb")))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("PostgreSQL is missing: make setup"))
                    .toString();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static int hostPort(String name) {
        return barchan.sandbox(name)
                .getAsJsonArray("publishedPorts")
                .get(0)
                .getAsJsonObject()
                .get("hostPort")
                .getAsInt();
    }

    private static void awaitLog(String name, String text) {
        try (Running logs = barchan.start("logs", "--follow", name)) {
            logs.awaitOut(text);
        }
    }
}
