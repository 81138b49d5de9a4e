package org.barchan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.barchan.client.AgentAccess;
import org.barchan.client.BarchanException;

/** Which agent the caller means. */
final class Agents {
    private Agents() {}

    static AgentAccess of(Caller caller) throws BarchanException {
        Map<String, String> environment = new LinkedHashMap<>(caller.environment());
        installation().ifPresent(home -> environment.put("BARCHAN_HOME", home.toString()));
        return AgentAccess.fromEnvironment(environment, caller.isRoot());
    }

    /** Returns the nearest directory above this program that an agent can be started from. */
    private static Optional<Path> installation() {
        try {
            Path directory = Path.of("/proc/self/exe").toRealPath().getParent();
            while (directory != null && !Files.exists(directory.resolve("bin/barchan-agent"))) {
                directory = directory.getParent();
            }
            return Optional.ofNullable(directory);
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
