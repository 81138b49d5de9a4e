package org.barchan.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Runs the real command against a fake agent while Java records which classes it loads and links, so that later starts find them
 * ready. Arguments: the launcher, and the file to write.
 */
public final class FakeAgentMain {
    private static final int DEADLINE_SECONDS = 120;

    private FakeAgentMain() {}

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory("barchan-aot");
        try (FakeAgent agent = new FakeAgent(directory)) {
            agent.behave(run -> {
                run.started();
                run.read();
                run.stdout("trained\n").stderr("").exit(0);
            });
            ProcessBuilder builder = new ProcessBuilder(args[0], "run", "--env", "A=B", "--", "true");
            builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.INHERIT);
            builder.environment().put("BARCHAN_ADDRESS", agent.socket().toString());
            builder.environment().put("BARCHAN_JAVA_OPTIONS", "-XX:AOTCacheOutput=" + args[1]);
            Process process = builder.start();
            process.getOutputStream().close();
            if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException("recording took longer than " + DEADLINE_SECONDS + " s");
            }
        } finally {
            Files.deleteIfExists(directory.resolve("agent.sock"));
            Files.delete(directory);
        }
    }
}
