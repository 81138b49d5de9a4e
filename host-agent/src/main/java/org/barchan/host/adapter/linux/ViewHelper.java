package org.barchan.host.adapter.linux;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.barchan.host.port.Views;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Views by a process each, whose mount namespace has them: see {@code barchan-view.c}, which says what goes to and fro. */
public final class ViewHelper implements Views {
    private static final Logger LOG = LoggerFactory.getLogger(ViewHelper.class);
    private static final int DEADLINE_SECONDS = 20;
    private static final String FILE = "file";
    private static final int ENOENT = 2;
    private static final int EACCES = 13;
    private static final int ENOTDIR = 20;
    private static final int EROFS = 30;
    private static final int ELOOP = 40;

    private final Path program;
    private final Users users = new Users();

    /** @param program barchan-view */
    public ViewHelper(Path program) {
        this.program = program;
    }

    @Override
    public View open(Request request) throws SandboxException {
        Process process;
        try {
            ProcessBuilder builder = new ProcessBuilder(program.toString());
            // A server that its guest takes over is not to find what the agent has inherited from a caller.
            builder.environment().keySet().removeIf(name -> !name.startsWith("BARCHAN_"));
            process = builder.start();
        } catch (IOException e) {
            throw new SandboxException(
                    Code.PRECONDITION,
                    "starting " + program + ": " + e.getMessage() + ". Build Barchan anew: make build",
                    e);
        }
        boolean opened = false;
        try {
            OutputStream in = process.getOutputStream();
            in.write(records(request));
            in.flush();
            ProcessView view = view(request, process, answer(process));
            opened = true;
            return view;
        } catch (IOException e) {
            throw new SandboxException(Code.INTERNAL, "talking to " + program + ": " + e.getMessage(), e);
        } finally {
            if (!opened) {
                log(process);
                process.destroyForcibly();
            }
        }
    }

    /**
     * Notes what servers have complained of so far, and hears no more of it: waiting for it would take a thread for each sandbox. They take no
     * notice.
     */
    private static void log(Process process) {
        try (InputStream said = process.getErrorStream()) {
            new String(said.readNBytes(said.available()), StandardCharsets.UTF_8)
                    .lines()
                    .forEach(line -> LOG.warn("view {}: {}", process.pid(), line.replaceAll("\\p{Cntrl}", "?")));
        } catch (IOException e) {
            LOG.debug("view {}: {}", process.pid(), e.getMessage());
        }
    }

    private static byte[] records(Request request) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        record(out, "client " + numbers(request.client()), new byte[0]);
        record(out, "emulator " + numbers(request.emulator()), new byte[0]);
        for (Source source : request.sources()) {
            record(
                    out,
                    "share " + source.tag() + (source.writable() ? " rw " : " ro ")
                            + source.user().name().toLowerCase(Locale.ROOT) + " ",
                    source.path().bytes());
        }
        for (Source source : request.sources()) {
            for (Mask mask : source.masks()) {
                switch (mask) {
                    case Mask.Hidden(Path path) -> record(out, "mask " + source.tag() + " ", bytes(path));
                    case Mask.Only(Path directory, Path kept) ->
                        record(out, "only " + source.tag() + " " + directory + " ", bytes(kept));
                }
            }
        }
        for (Source source : request.sources()) {
            source.server()
                    .ifPresent(server -> record(
                            out, "serve " + source.tag() + " " + server.options() + " ", bytes(server.program())));
        }
        record(out, "end", new byte[0]);
        return out.toByteArray();
    }

    private static void record(ByteArrayOutputStream out, String words, byte[] path) {
        out.writeBytes(words.getBytes(StandardCharsets.UTF_8));
        out.writeBytes(path);
        out.write(0);
    }

    private static byte[] bytes(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String numbers(HostUser user) {
        return user.uid() + " " + user.gid();
    }

    /** Returns the lines up to and including the last. */
    private List<String> answer(Process process) throws IOException, SandboxException {
        CompletableFuture<List<String>> lines = new CompletableFuture<>();
        Thread.ofVirtual().name("view-" + process.pid()).start(() -> {
            try {
                List<String> read = new ArrayList<>();
                var reader = process.inputReader(StandardCharsets.UTF_8);
                String line = reader.readLine();
                while (line != null) {
                    read.add(line);
                    line = line.equals("ready") ? null : reader.readLine();
                }
                lines.complete(read);
            } catch (IOException e) {
                lines.completeExceptionally(e);
            }
        });
        try {
            return lines.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new SandboxException(
                    Code.PRECONDITION,
                    "opening what the sandbox is to see of the host: no answer within " + DEADLINE_SECONDS
                            + " s. A file system of the host may hang (a network mount?): see which, or do not mount it",
                    e);
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private ProcessView view(Request request, Process process, List<String> answer) throws SandboxException {
        Map<String, String> files = new HashMap<>();
        List<String> problems = new ArrayList<>();
        for (String line : answer) {
            String[] words = line.split(" ", 4);
            switch (words[0]) {
                case "share" -> files.put(words[1], words[2].equals("file") ? FILE : "");
                case "problem" ->
                    problems.add(problem(request, source(request, words[1]), words[2], Integer.parseInt(words[3])));
                case "failed" -> throw failed(words[1], Integer.parseInt(words[2]));
                case "ready" -> {
                    return new ProcessView(process, files);
                }
                default -> throw new SandboxException(Code.INTERNAL, program + " said: " + line);
            }
        }
        if (problems.isEmpty()) {
            throw new SandboxException(Code.INTERNAL, program + " ended without an answer");
        }
        throw new SandboxException(Code.PRECONDITION, String.join("\n", problems));
    }

    private static Source source(Request request, String tag) {
        return request.sources().stream()
                .filter(source -> source.tag().equals(tag))
                .findFirst()
                .orElseThrow();
    }

    private String problem(Request request, Source source, String what, int errno) {
        boolean own = source.user() == User.CLIENT || request.client().equals(request.emulator());
        String user = name(own ? request.client() : request.emulator());
        String who = own ? "user " + user : "QEMU runs as user " + user + ", who";
        return source.action() + ": "
                + switch (what) {
                    case "open" -> cannotOpen(request.client(), source, errno);
                    case "kind" ->
                        "it is neither a directory nor a regular file (expected: one of these; devices, sockets and"
                                + " FIFOs of the host are not shared)";
                    case "read" ->
                        who + " can't read " + source.path()
                                + ". Give that user the right to read and enter it (chmod o+rx, or setfacl -m u:"
                                + user + ":rx), or run as a user who may";
                    case "write" ->
                        errno == EROFS
                                ? "its file system is read-only. Mount it ro, or as an overlay"
                                : who + " may not write there. Give that user the right to (setfacl -m u:"
                                        + user
                                        + ":rwX), or mount it as an overlay, which leaves the source as it is";
                    default -> "the kernel won't mount it elsewhere (" + error(errno) + "). Name another place";
                };
    }

    private String cannotOpen(HostUser client, Source source, int errno) {
        return switch (errno) {
            case ENOENT, ENOTDIR -> "it is not there. Name a directory or file of this host";
            case EACCES ->
                "user " + name(client) + " may not enter a directory on the way there. Give that user the right to"
                        + " (chmod o+x), or name another place";
            case ELOOP ->
                "a part of it is a symbolic link, which others may point elsewhere. Name what it leads to"
                        + realPath(client, source);
            default -> "opening it: " + error(errno) + ". Name another place";
        };
    }

    private String realPath(HostUser client, Source source) {
        try {
            return users.as(
                    client,
                    () -> ": " + Path.of(source.path().toString()).toRealPath().toString());
        } catch (Exception e) {
            return "";
        }
    }

    private SandboxException failed(String step, int errno) {
        if (step.equals("exec")) {
            return new SandboxException(
                    Code.PRECONDITION, "starting virtiofsd: " + error(errno) + ". Install it anew, or use 9p");
        }
        // Where a profile of AppArmor lets users make namespaces without rights in them, the next step fails.
        return step.startsWith("unshare") || step.equals("make-private")
                ? new SandboxException(
                        Code.PRECONDITION,
                        "making a namespace for what the sandbox is to see of the host: " + error(errno)
                                + ". Allow it: user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 and"
                                + " kernel.apparmor_restrict_unprivileged_userns=0 where sysctl knows them; in a container,"
                                + " one that may unshare. Or show all of the host: --expose-host-root --root-transport 9p, without"
                                + " mounts of host directories")
                : new SandboxException(
                        Code.INTERNAL,
                        "putting together what the sandbox is to see of the host: " + step + ": " + error(errno));
    }

    private static String error(int errno) {
        return LibC.INSTANCE.strerror(errno);
    }

    private String name(HostUser user) {
        return users.name(user.uid()).orElseGet(() -> Integer.toString(user.uid()));
    }

    private record ProcessView(Process process, Map<String, String> files) implements View {
        @Override
        public Path path(String tag) {
            return Path.of("/proc", Long.toString(process.pid()), "root", tag);
        }

        @Override
        public Path socket(String tag) {
            return path(tag + ".socket");
        }

        @Override
        public String file(String tag) {
            String file = files.get(tag);
            if (file == null) {
                throw new IllegalArgumentException("no share " + tag);
            }
            return file;
        }

        @Override
        public void close() {
            log(process);
            try {
                // It ends then, with what servers have no connection yet.
                process.getOutputStream().close();
            } catch (IOException e) {
                LOG.debug("view {}: {}", process.pid(), e.getMessage());
            }
        }
    }
}
