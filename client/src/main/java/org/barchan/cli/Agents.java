package org.barchan.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.barchan.client.AgentAccess;
import org.barchan.client.BarchanException;

/** Which agent the caller means. */
final class Agents {
    private Agents() {}

    static AgentAccess of(Caller caller) throws BarchanException {
        Map<String, String> environment = new LinkedHashMap<>(caller.environment());
        String home = System.getProperty("barchan.home", "");
        if (!home.isEmpty()) {
            environment.put("BARCHAN_HOME", home);
        }
        return AgentAccess.fromEnvironment(environment, caller.isRoot());
    }
}
