package org.barchan.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

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
        if (isUsable(args[0], record)) {
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

    /** Java itself knows best: it compares the record with each jar and with its own version. */
    private static boolean isUsable(String launcher, Path record) throws IOException, InterruptedException {
        if (!Files.exists(record)) {
            return false;
        }
        ProcessBuilder builder = new ProcessBuilder(launcher, "help")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("BARCHAN_JAVA_OPTIONS", "-XX:AOTMode=on");
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            return false;
        }
        return process.exitValue() == 0;
    }

    private static void run(String launcher, Path record, Path socket, Path log)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(launcher, "run", "--env", "A=B", "--", "true")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("BARCHAN_ADDRESS", socket.toString());
        builder.environment().put("BARCHAN_JAVA_OPTIONS", "-Dbarchan.recorded=true -XX:AOTCacheOutput=" + record);
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            Files.writeString(log, "it took longer than " + DEADLINE_SECONDS + " s", StandardCharsets.UTF_8);
        }
    }
}
