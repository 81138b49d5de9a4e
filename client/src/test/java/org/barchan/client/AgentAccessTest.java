package org.barchan.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class AgentAccessTest {
    @Test
    void fromEnvironment_relativeAddress_isRefused() {
        assertMessage("BARCHAN_ADDRESS: 'agent.sock'", Map.of("BARCHAN_ADDRESS", "agent.sock"), true);
    }

    @Test
    void fromEnvironment_tooLongSocketPath_saysWhatToDo() {
        assertMessage(
                "choose a shorter BARCHAN_RUNTIME_DIR", Map.of("BARCHAN_RUNTIME_DIR", "/" + "x".repeat(120)), true);
    }

    @Test
    void fromEnvironment_noRuntimeDirectory_saysWhatToSet() {
        assertMessage("set BARCHAN_RUNTIME_DIR", Map.of(), false);
    }

    @Test
    void fromEnvironment_address_startsNoAgent() throws BarchanException {
        AgentAccess access =
                AgentAccess.fromEnvironment(Map.of("BARCHAN_ADDRESS", "unix:///a/b", "BARCHAN_HOME", "/h"), true);
        assertEquals(new AgentAccess(Path.of("/a/b"), Optional.empty()), access);
    }

    @Test
    void fromEnvironment_default_isTheUsersOwn() throws BarchanException {
        assertEquals(
                Path.of("/run/barchan/agent.sock"),
                AgentAccess.fromEnvironment(Map.of(), true).socket());
        AgentAccess user =
                AgentAccess.fromEnvironment(Map.of("XDG_RUNTIME_DIR", "/run/user/5", "BARCHAN_HOME", "/h"), false);
        assertEquals(Path.of("/run/user/5/barchan/agent.sock"), user.socket());
        assertEquals(Path.of("/h/bin/barchan-agent"), user.start().orElseThrow().launcher());
    }

    private static void assertMessage(String expected, Map<String, String> environment, boolean root) {
        BarchanException error =
                assertThrows(BarchanException.class, () -> AgentAccess.fromEnvironment(environment, root));
        assertTrue(String.valueOf(error.getMessage()).contains(expected), error.getMessage());
    }
}
