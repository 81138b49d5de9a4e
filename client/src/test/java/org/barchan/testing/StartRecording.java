package org.barchan.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Runs the real command against a fake agent while Java records which classes it loads and links (JEP 514), so that later starts find
 * them ready. The command works without the record, only starts later: a failure is a message, not an end of the build.
 */
public final class StartRecording {
    private static final int DEADLINE_SECONDS = 180;

    private StartRecording() {}

    /** Takes the launcher, and the file to write beside the jars. */
    public static void main(String[] args) throws Exception {
        Path record = Path.of(args[1]);
        if (isNewest(record)) {
            return;
        }
        Files.deleteIfExists(record);
        Path directory = Files.createTempDirectory("barchan-record");
        Path log = directory.resolve("log");
        try (FakeAgent agent = new FakeAgent(directory)) {
            agent.behave(run -> {
                run.started().read();
                run.stdout("recorded\n").stderr("recorded\n").exit(0);
            });
            run(args[0], record, agent.socket(), log);
        } catch (IOException e) {
            System.out.println("barchan will start slower, its start was not recorded: " + e);
        } finally {
            if (!Files.exists(record) && Files.exists(log)) {
                System.out.println("barchan will start slower, its start was not recorded: " + Files.readString(log));
            }
            Files.deleteIfExists(log);
            Files.deleteIfExists(directory.resolve("agent.sock"));
            Files.delete(directory);
        }
    }

    private static boolean isNewest(Path record) throws IOException {
        if (!Files.exists(record)) {
            return false;
        }
        List<Path> files;
        try (Stream<Path> beside = Files.list(record.toAbsolutePath().getParent())) {
            files = beside.toList();
        }
        for (Path file : files) {
            if (Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(record)) > 0) {
                return false;
            }
        }
        return true;
    }

    private static void run(String launcher, Path record, Path socket, Path log)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(launcher, "run", "--env", "A=B", "--", "true")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("BARCHAN_ADDRESS", socket.toString());
        builder.environment().put("BARCHAN_JAVA_OPTIONS", "-XX:AOTCacheOutput=" + record);
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            Files.writeString(log, "it took longer than " + DEADLINE_SECONDS + " s", StandardCharsets.UTF_8);
        }
    }
}
