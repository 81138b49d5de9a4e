package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * The {@code barchan} program, for one test class: it has a runtime directory of its own, so an agent of its own, and the state
 * directory of the whole test run, so that what a kernel is made into is made once. After the class the agent is asked to end, and
 * nothing may be left.
 */
final class Barchan implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
    /** No command of a test takes longer, on a machine that is busy with twenty guests. */
    static final Duration DEADLINE = Duration.ofMinutes(3);

    /** Within this, all that a sandbox had is gone (the promise is 30 s after a crash). */
    static final Duration CLEANED = Duration.ofSeconds(30);

    private static final AtomicInteger CLASSES = new AtomicInteger();

    private final List<String> prefix;
    private final boolean templates;
    private Installation installation = Installation.in(Path.of("/nonexistent"), "r");

    Barchan() {
        this(List.of(), false);
    }

    private Barchan(List<String> prefix, boolean templates) {
        this.prefix = prefix;
        this.templates = templates;
    }

    /** Returns a {@code barchan} whose sandboxes go on from templates, as they do where nobody says otherwise. */
    static Barchan withTemplates() {
        return new Barchan(List.of(), true);
    }

    /** Returns a {@code barchan} that another user calls, with both directories that user's own. */
    static Barchan ofUser(int uid) {
        return new Barchan(List.of("setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups"), false);
    }

    /** Returns the {@code barchan} of an installation, for use without JUnit: {@link #end} has to be called. */
    static Barchan in(Installation installation) {
        return in(installation, false);
    }

    /** Returns one whose sandboxes go on from templates, or not. */
    static Barchan in(Installation installation, boolean templates) {
        Barchan barchan = new Barchan(List.of(), templates);
        barchan.installation = installation;
        return barchan;
    }

    /** The directory that all classes share; removed at the very end. */
    private record Shared(Path parent) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            deleteTree(parent);
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        // One that another user calls has a state directory that belongs to that user.
        Object key = prefix.isEmpty() ? Shared.class : prefix;
        Shared shared = context.getRoot()
                .getStore(Namespace.create(Barchan.class))
                .computeIfAbsent(key, any -> new Shared(Installation.makeParent()), Shared.class);
        installation = Installation.in(shared.parent(), "r" + CLASSES.incrementAndGet());
        if (!Files.isExecutable(installation.executable())) {
            throw new AssertionError(installation.executable() + " is missing: call 'make build' first");
        }
        if (!prefix.isEmpty()) {
            makeDirectories();
        }
    }

    /** As that user, who may not make them in a directory of root's. */
    private void makeDirectories() {
        try {
            for (Path directory : installation.directories()) {
                Files.createDirectories(directory);
                Object uid = Integer.valueOf(prefix.get(1).substring("--reuid=".length()));
                Files.setAttribute(directory, "unix:uid", uid);
                Files.setAttribute(directory, "unix:gid", uid);
                Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
            }
        } catch (IOException e) {
            throw new AssertionError("cannot make " + installation.directories(), e);
        }
    }

    @Override
    public void afterEach(ExtensionContext context) {
        if (context.getExecutionException().isPresent()) {
            System.err.println(context.getDisplayName() + " failed\n" + installation.agentLog());
        }
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        end();
    }

    /** Asks the agent to end; fails when a process is left then. */
    void end() throws IOException {
        List<HostProcess> agents = agents();
        agents.forEach(HostProcess::terminate);
        agents.forEach(agent -> agent.awaitEnd(CLEANED));
        List<HostProcess> left = HostProcess.of(installation.directories());
        left.forEach(HostProcess::kill);
        assertEquals(List.of(), left, "processes left behind by the agent and its clients");
        deleteTree(installation.runtime());
    }

    Installation installation() {
        return installation;
    }

    /** Runs {@code barchan} with these arguments to its end. */
    Result call(String... arguments) {
        return start(arguments).result();
    }

    /** Starts {@code barchan} with these arguments and nothing on standard input. */
    Running start(String... arguments) {
        return launch(new File("/dev/null"), arguments);
    }

    /** Starts {@code barchan} with standard input from a file. */
    Running startWithInput(Path input, String... arguments) {
        return launch(input.toFile(), arguments);
    }

    private Running launch(File stdin, String... arguments) {
        return launch(builder(arguments).redirectInput(stdin));
    }

    /** Returns what starts {@code barchan}, to be changed before {@link #launch(ProcessBuilder)}. */
    ProcessBuilder builder(String... arguments) {
        List<String> command = new ArrayList<>();
        // A test run in the background has signals ignored, and a program inherits that.
        command.addAll(List.of("env", "--default-signal"));
        command.addAll(prefix);
        command.add(installation.executable().toString());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(new File("/"));
        builder.environment().keySet().removeIf(name -> name.startsWith("BARCHAN_") || name.startsWith("LIBVIRT_"));
        builder.environment().putAll(environment());
        return builder;
    }

    /** Returns what each {@code barchan} is told by its environment. */
    Map<String, String> environment() {
        return installation.environment(templates);
    }

    static Running launch(ProcessBuilder builder) {
        try {
            return new Running(builder.command(), builder.start());
        } catch (IOException e) {
            throw new AssertionError("cannot start " + builder.command(), e);
        }
    }

    /** Returns this installation's processes of a kind. */
    List<HostProcess> processes(HostProcess.Kind kind) {
        return HostProcess.of(installation.directories()).stream()
                .filter(process -> process.kind() == kind)
                .toList();
    }

    /** Returns the agents that run; not what one has forked to start QEMU, which looks like it until it executes that. */
    List<HostProcess> agents() {
        List<HostProcess> all = processes(HostProcess.Kind.AGENT);
        Set<Long> pids = all.stream().map(HostProcess::pid).collect(Collectors.toSet());
        return all.stream()
                .filter(agent -> ProcessHandle.of(agent.pid())
                        .flatMap(ProcessHandle::parent)
                        .filter(parent -> pids.contains(parent.pid()))
                        .isEmpty())
                .filter(agent -> !isFork(agent.pid()))
                .toList();
    }

    /** Whether it is what libvirt forks twice to start QEMU: left to process 1, in the session of the process between. */
    private static boolean isFork(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return fields[1].equals("1") && !fields[3].equals(Long.toString(pid));
        } catch (IOException e) {
            // It has ended by now.
            return true;
        }
    }

    /** Returns the one agent that runs. */
    HostProcess agent() {
        List<HostProcess> agents = agents();
        assertEquals(1, agents.size(), agents::toString);
        return agents.getFirst();
    }

    /** Returns the live sandboxes as {@code barchan list} shows them. */
    List<JsonObject> sandboxes() {
        return call("list", "--output", "json").expect(0).json().getAsJsonArray("sandboxes").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .toList();
    }

    /** Returns the kernel that a sandbox gets by default, as {@code barchan kernels} shows it. */
    JsonObject kernel() {
        return call("kernels", "--output", "json").expect(0).json().getAsJsonArray("kernels").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .filter(kernel -> kernel.get("usable").getAsBoolean())
                .findFirst()
                .orElseThrow();
    }

    List<String> sandboxNames() {
        return sandboxes().stream()
                .map(sandbox -> sandbox.get("name").getAsString())
                .toList();
    }

    /** Returns one live sandbox; fails when there is none of that name. */
    JsonObject sandbox(String name) {
        List<JsonObject> all = sandboxes();
        return all.stream()
                .filter(sandbox -> sandbox.get("name").getAsString().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no sandbox " + name + " among " + all));
    }

    /** Returns when no virtual machine of this installation runs; fails when one still does after {@link #CLEANED}. */
    void awaitNoSandbox() {
        processes(HostProcess.Kind.QEMU).forEach(machine -> machine.awaitEnd(CLEANED));
        // The process is gone a moment before the agent has cleared up behind it.
        long end = System.nanoTime() + CLEANED.toNanos();
        List<String> names = sandboxNames();
        while (!names.isEmpty() && System.nanoTime() < end) {
            names = sandboxNames();
        }
        assertEquals(List.of(), names, "sandboxes left behind");
    }

    Inventory inventory() {
        return Inventory.of(installation);
    }

    static void deleteTree(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> entries = Files.walk(directory)) {
            for (Path entry : entries.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(entry);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
