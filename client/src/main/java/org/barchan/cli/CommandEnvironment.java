package org.barchan.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.barchan.cli.option.EnvironmentOption;

/**
 * The environment of a command: HOME, USER, LOGNAME of who it is; PATH, TERM, LANG, LC_*, TZ of the caller where set (PATH always);
 * then what --env says. Nothing else, so that no secret of the caller's gets into a sandbox unasked.
 */
final class CommandEnvironment {
    private static final String DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private CommandEnvironment() {}

    static Map<String, String> of(
            SandboxUser user, Map<String, String> caller, boolean clear, List<EnvironmentOption> options) {
        Map<String, String> environment = new LinkedHashMap<>();
        if (!clear) {
            environment.put("HOME", user.home());
            environment.put("USER", user.name());
            environment.put("LOGNAME", user.name());
            environment.put("PATH", caller.getOrDefault("PATH", DEFAULT_PATH));
            caller.forEach((name, value) -> {
                if (name.equals("TERM") || name.equals("LANG") || name.startsWith("LC_") || name.equals("TZ")) {
                    environment.put(name, value);
                }
            });
        }
        for (EnvironmentOption option : options) {
            String own = caller.get(option.name());
            String value = option.value().orElse(own == null ? "" : own);
            if (option.value().isPresent() || own != null) {
                environment.put(option.name(), value);
            } else {
                // As env(1) and docker do: what the caller does not have, the command does not get.
                environment.remove(option.name());
            }
        }
        return environment;
    }
}
