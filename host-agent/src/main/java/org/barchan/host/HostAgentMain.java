package org.barchan.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.barchan.host.adapter.linux.LinuxHost;
import org.barchan.host.adapter.linux.StandardStreams;
import org.barchan.host.api.AgentServer;
import org.barchan.host.api.CallGate;
import org.barchan.host.config.AgentConfig;
import org.barchan.host.lifecycle.Hypervisors;
import org.barchan.host.lifecycle.MonotonicTimer;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.metrics.AgentMetrics;
import org.barchan.host.sandbox.HostUser;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent's process: wires the parts together, and sees to their beginning and end. */
public final class HostAgentMain {
    private static final int EXIT_FAILED = 1;
    private static final int EXIT_USAGE = 2;
    private static final int EXIT_OTHER_AGENT = 3;
    private static final Duration LOCK_PATIENCE = Duration.ofSeconds(25);
    private static final Duration SHUTDOWN_PATIENCE = Duration.ofSeconds(15);

    /** Held until the process ends, which is a while after all is done: the JVM keeps its classes for the next start, and libvirt its files. */
    private static final AtomicReference<AgentLock> LOCK = new AtomicReference<>();

    private HostAgentMain() {}

    /**
     * Runs the agent until it is told to stop or has been idle for long enough.
     *
     * <p>Exit codes: 0 stopped, 1 failed, 2 wrong configuration or arguments, 3 another agent serves the runtime directory.
     */
    public static void main(String[] arguments) {
        // Before anything logs.
        System.setProperty("java.util.logging.manager", AgentLog.Manager.class.getName());
        AgentLog.toStandardError();
        boolean foreground = arguments.length == 1 && arguments[0].equals("--foreground");
        if (arguments.length > 0 && !foreground) {
            System.err.println("usage: barchan-agent [--foreground]");
            System.exit(EXIT_USAGE);
        }
        Logger log = LoggerFactory.getLogger(HostAgentMain.class);
        if (!foreground) {
            StandardStreams.leaveSession();
        }
        try {
            LinuxHost host = new LinuxHost();
            AgentConfig config = AgentConfig.of(
                    System.getenv(),
                    Path.of(System.getProperty("user.home", "/")),
                    host.self().uid() == 0);
            System.exit(serve(config, host, foreground, log));
        } catch (AgentConfig.InvalidConfigException e) {
            System.err.println("barchan-agent: " + e.getMessage());
            System.exit(EXIT_USAGE);
        } catch (IOException | InterruptedException | RuntimeException e) {
            log.error("the agent failed", e);
            System.exit(EXIT_FAILED);
        }
    }

    private static int serve(AgentConfig config, LinuxHost host, boolean foreground, Logger log)
            throws IOException, InterruptedException {
        try {
            PrivateDirectory.make(config.runtimeDirectory());
        } catch (IOException e) {
            System.err.println("barchan-agent: " + e.getMessage());
            return EXIT_FAILED;
        }
        Files.createDirectories(config.stateDirectory());
        Optional<AgentLock> taken = AgentLock.take(config.lock(), LOCK_PATIENCE);
        if (taken.isEmpty()) {
            System.err.println("barchan-agent: another agent (pid " + AgentLock.holder(config.lock()) + ") serves "
                    + config.runtimeDirectory());
            return EXIT_OTHER_AGENT;
        }
        AgentLock lock = taken.get();
        LOCK.set(lock);
        try (MonotonicTimer timer = new MonotonicTimer();
                Adapters adapters = Adapters.of(config, host);
                Hypervisors hypervisors = new Hypervisors(adapters.opener())) {
            AgentLog.toDirectory(config.logDirectory(), config.logFormat());
            if (foreground) {
                AgentLog.formatStandardError(config.logFormat());
            }
            Sandboxes sandboxes = new Sandboxes(adapters.ports(), hypervisors, timer, settings(config));
            CallGate gate = new CallGate();
            HostUser self = host.self();
            Optional<AgentMetrics> counting = metrics(config, sandboxes, log);
            var services = new AgentServer.Services(
                    sandboxes, version(), config.stateDirectory(), counting.map(AgentMetrics::calls));
            try (AgentServer server =
                    AgentServer.listen(config.socket(), Set.copyOf(List.of(0, self.uid())), gate, services)) {
                // Listens first: what can be answered at once is, and the rest waits for this.
                Thread.ofVirtual().name("reconcile").start(sandboxes::reconcile);
                CountDownLatch stop = new CountDownLatch(1);
                CountDownLatch stopped = new CountDownLatch(1);
                onTermination(stop, stopped);
                new IdleExit(timer, config.idleTimeout(), gate, sandboxes, stop::countDown).start();
                log.info(
                        "agent {} serves {} as uid {}, pid {}",
                        version(),
                        config.socket(),
                        self.uid(),
                        ProcessHandle.current().pid());
                ready(foreground, config);
                stop.await();
                log.info("stopping");
                lock.stopping();
                gate.close();
                server.stopListening();
                sandboxes.shutdown(SHUTDOWN_PATIENCE);
                server.await(Duration.ofSeconds(2));
                counting.ifPresent(AgentMetrics::close);
                log.info("stopped");
                stopped.countDown();
            }
        }
        return 0;
    }

    private static Optional<AgentMetrics> metrics(AgentConfig config, Sandboxes sandboxes, Logger log) {
        if (config.metrics().isEmpty()) {
            return Optional.empty();
        }
        try {
            AgentMetrics metrics = AgentMetrics.serve(config.metrics().get(), sandboxes, version());
            log.info("metrics at {}", config.metrics().get());
            return Optional.of(metrics);
        } catch (IOException e) {
            // Sandboxes that run need their agent, whoever has taken the port.
            log.error(
                    "BARCHAN_METRICS: listening at {}: {}: there are no metrics",
                    config.metrics().get(),
                    e.toString());
            return Optional.empty();
        }
    }

    private static void ready(boolean foreground, AgentConfig config) throws IOException {
        System.out.println("ready");
        System.out.flush();
        StandardStreams.dropOutput();
        if (!foreground) {
            AgentLog.leaveStandardError();
            // libvirt and the JVM itself may still have something to say.
            StandardStreams.sendErrors(config.logDirectory().resolve("stderr.log"));
        }
    }

    /** SIGTERM, SIGINT: the process ends when what is to be done has been done. */
    private static void onTermination(CountDownLatch stop, CountDownLatch stopped) {
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("shutdown").unstarted(() -> {
                    stop.countDown();
                    try {
                        var _ = stopped.await(
                                SHUTDOWN_PATIENCE.plusSeconds(5).toSeconds(), java.util.concurrent.TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
    }

    private static Sandboxes.Settings settings(AgentConfig config) {
        return new Sandboxes.Settings(
                config.runtimeDirectory(),
                config.stateDirectory(),
                config.guestTree(),
                config.templates(),
                config.pool(),
                config.kvmProofDeadline(),
                config.kvmBootDeadline(),
                config.tcgBootDeadline());
    }

    private static String version() {
        return Optional.ofNullable(HostAgentMain.class.getPackage().getImplementationVersion())
                .orElse("development");
    }
}
