package org.barchan.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A container of the host's programs, by an OCI runtime that is installed: what one more command takes without any virtual machine. */
final class ContainerPeer implements AutoCloseable {
    private static final String NAME = "barchan-bench";
    private static final List<String> RUNTIMES = List.of("crun", "runc");

    private final String runtime;

    private ContainerPeer(String runtime) {
        this.runtime = runtime;
    }

    /** Starts one by the first runtime that does on this host; says on standard error why one does not. */
    static Optional<ContainerPeer> start(Path work) throws IOException, InterruptedException {
        for (String runtime : RUNTIMES) {
            if (Files.isExecutable(Path.of("/usr/bin", runtime)) || Files.isExecutable(Path.of("/usr/sbin", runtime))) {
                Path bundle = bundle(work, runtime);
                Path said = bundle.resolve("said");
                int status = new ProcessBuilder(runtime, "run", "--detach", "--bundle", bundle.toString(), NAME)
                        .redirectInput(new File("/dev/null"))
                        .redirectOutput(new File("/dev/null"))
                        .redirectError(said.toFile())
                        .start()
                        .waitFor();
                if (status == 0) {
                    return Optional.of(new ContainerPeer(runtime));
                }
                System.err.println("bench: " + runtime + " starts no container here: "
                        + Files.readString(said, StandardCharsets.ISO_8859_1).strip());
            } else {
                System.err.println("bench: " + runtime + " is not installed, so that nothing is compared with it");
            }
        }
        return Optional.empty();
    }

    /** Makes a bundle whose root has nothing but the host's /usr, bound read-only in the container alone. */
    private static Path bundle(Path work, String runtime) throws IOException, InterruptedException {
        Path bundle = Files.createDirectory(work.resolve("bundle-" + runtime));
        Path root = Files.createDirectory(bundle.resolve("rootfs"));
        for (String directory : List.of("usr", "proc", "dev")) {
            Files.createDirectory(root.resolve(directory));
        }
        for (String link : List.of("bin", "lib", "lib64")) {
            Files.createSymbolicLink(root.resolve(link), Path.of("usr", link));
        }
        int status = new ProcessBuilder(runtime, "spec")
                .directory(bundle.toFile())
                .inheritIO()
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException(runtime + " spec: exit status " + status);
        }
        Path file = bundle.resolve("config.json");
        JsonObject config = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        JsonObject process = config.getAsJsonObject("process");
        process.addProperty("terminal", false);
        process.add("args", array(List.of("sleep", "infinity")));
        JsonArray mounts = new JsonArray();
        for (JsonElement mount : config.getAsJsonArray("mounts")) {
            if (Set.of("/proc", "/dev")
                    .contains(mount.getAsJsonObject().get("destination").getAsString())) {
                mounts.add(mount);
            }
        }
        JsonObject usr = new JsonObject();
        usr.addProperty("destination", "/usr");
        usr.addProperty("source", "/usr");
        usr.addProperty("type", "bind");
        usr.add("options", array(List.of("rbind", "ro")));
        mounts.add(usr);
        config.add("mounts", mounts);
        Files.writeString(file, config.toString());
        return bundle;
    }

    private static JsonArray array(List<String> values) {
        JsonArray array = new JsonArray();
        values.forEach(array::add);
        return array;
    }

    String runtime() {
        return runtime;
    }

    /** Returns how long one more command takes in it, in milliseconds. */
    double exec() throws IOException, InterruptedException {
        long start = System.nanoTime();
        call("exec", NAME, "/bin/true");
        return (System.nanoTime() - start) / 1e6;
    }

    private void call(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(runtime));
        command.addAll(List.of(arguments));
        int status = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(new File("/dev/null"))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException(command + ": exit status " + status);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            call("delete", "--force", NAME);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
