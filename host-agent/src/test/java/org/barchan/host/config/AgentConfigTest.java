package org.barchan.host.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.barchan.host.config.AgentConfig.InvalidConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class AgentConfigTest {
    private static final Path HOME = Path.of("/home/u");

    @Test
    void of_manyThingsWrong_namesAllAtOnce() {
        Map<String, String> environment = Map.of(
                "BARCHAN_RUNTIME_DIR",
                "relative",
                "BARCHAN_STATE_DIR",
                "also/relative",
                "BARCHAN_IDLE_TIMEOUT",
                "soon",
                "BARCHAN_KVM_PROOF_TIMEOUT",
                "-3",
                "BARCHAN_TEMPLATES",
                "perhaps",
                "BARCHAN_TCG_BOOT_TIMEOUT",
                "99999999999999999999");

        String message =
                String.valueOf(assertThrows(InvalidConfigException.class, () -> AgentConfig.of(environment, HOME, true))
                        .getMessage());

        for (String key : environment.keySet()) {
            assertTrue(message.contains(key), key + " in: " + message);
        }
        assertTrue(message.contains("BARCHAN_HOME"), message);
    }

    @Test
    void of_runtimePathTooLongForSockets_isRefused() {
        Map<String, String> environment = Map.of("BARCHAN_HOME", "/b", "BARCHAN_RUNTIME_DIR", "/" + "x".repeat(70));

        assertThrows(InvalidConfigException.class, () -> AgentConfig.of(environment, HOME, true));
    }

    @Test
    void of_userWithoutRuntimeDirectory_isRefused() {
        assertThrows(InvalidConfigException.class, () -> AgentConfig.of(Map.of("BARCHAN_HOME", "/b"), HOME, false));
    }

    @Test
    void of_defaults_dependOnTheUser() throws Exception {
        AgentConfig root = AgentConfig.of(Map.of("BARCHAN_HOME", "/b", "BARCHAN_STATE_DIR", ""), HOME, true);
        AgentConfig user = AgentConfig.of(Map.of("BARCHAN_HOME", "/b", "XDG_RUNTIME_DIR", "/run/user/7"), HOME, false);

        assertEquals(Path.of("/run/barchan"), root.runtimeDirectory());
        assertEquals(Path.of("/var/lib/barchan"), root.stateDirectory());
        assertEquals(Path.of("/run/user/7/barchan"), user.runtimeDirectory());
        assertEquals(Path.of("/home/u/.local/state/barchan"), user.stateDirectory());
        assertEquals(Duration.ofMinutes(10), root.idleTimeout());
        assertEquals(Duration.ofSeconds(10), root.kvmProofDeadline());
        assertEquals(Duration.ofSeconds(60), root.tcgBootDeadline());
        assertEquals(Path.of("/b/guest-init/target/guest"), root.guestTree());
        assertTrue(root.templates());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ON", "yes", "1", "true", " on", "off "})
    void of_templatesNeitherOnNorOff_isRefused(String value) {
        String message = String.valueOf(assertThrows(InvalidConfigException.class, () -> templates(value))
                .getMessage());

        assertTrue(message.contains("BARCHAN_TEMPLATES: '" + value + "' (expected: on or off)"), message);
    }

    @Test
    void of_templates_areOnUnlessOff() throws Exception {
        assertTrue(templates(""));
        assertTrue(templates("on"));
        assertFalse(templates("off"));
    }

    private static boolean templates(String value) throws InvalidConfigException {
        return AgentConfig.of(Map.of("BARCHAN_HOME", "/b", "BARCHAN_TEMPLATES", value), HOME, true)
                .templates();
    }

    @Test
    void of_metrics_areServedNowhere_unlessAnAddressIsGiven() throws Exception {
        assertEquals(Optional.empty(), metrics(""));
        assertEquals("/127.0.0.1:9464", metrics("127.0.0.1:9464").orElseThrow().toString());
        assertEquals(
                "/[0:0:0:0:0:0:0:1]:9464", metrics("[::1]:9464").orElseThrow().toString());
        assertEquals("/0.0.0.0:1", metrics("0.0.0.0:1").orElseThrow().toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "9464",
                ":9464",
                "127.0.0.1",
                "127.0.0.1:0",
                "127.0.0.1:65536",
                "1:9464",
                "256.0.0.1:9464",
                "localhost:9464",
                "::1:9464",
                "[]:9464",
                "[1.2.3.4.5]:9464",
                "[::1%lo]:9464",
                "127.0.0.1:9464 "
            })
    void of_metricsAtNoAddress_isRefused(String value) {
        String message = String.valueOf(
                assertThrows(InvalidConfigException.class, () -> metrics(value)).getMessage());

        assertTrue(message.contains("BARCHAN_METRICS: '" + value + "' (expected: an IP address and a port"), message);
    }

    private static Optional<InetSocketAddress> metrics(String value) throws InvalidConfigException {
        return AgentConfig.of(Map.of("BARCHAN_HOME", "/b", "BARCHAN_METRICS", value), HOME, true)
                .metrics();
    }

    @Test
    void of_logFormat_isTextUnlessJsonIsAskedFor() throws Exception {
        assertEquals(AgentConfig.LogFormat.TEXT, logFormat(""));
        assertEquals(AgentConfig.LogFormat.TEXT, logFormat("text"));
        assertEquals(AgentConfig.LogFormat.JSON, logFormat("json"));
        String message = String.valueOf(assertThrows(InvalidConfigException.class, () -> logFormat("JSON"))
                .getMessage());
        assertTrue(message.contains("BARCHAN_LOG_FORMAT: 'JSON' (expected: text or json)"), message);
    }

    private static AgentConfig.LogFormat logFormat(String value) throws InvalidConfigException {
        return AgentConfig.of(Map.of("BARCHAN_HOME", "/b", "BARCHAN_LOG_FORMAT", value), HOME, true)
                .logFormat();
    }

    @Test
    void of_durations_takeUnits() throws Exception {
        assertEquals(Duration.ofMillis(1500), idle("1500ms"));
        assertEquals(Duration.ofSeconds(90), idle("90"));
        assertEquals(Duration.ofSeconds(90), idle("90s"));
        assertEquals(Duration.ofMinutes(2), idle("2m"));
        assertEquals(Duration.ofHours(3), idle("3h"));
    }

    private static Duration idle(String value) throws InvalidConfigException {
        return AgentConfig.of(Map.of("BARCHAN_HOME", "/b", "BARCHAN_IDLE_TIMEOUT", value), HOME, true)
                .idleTimeout();
    }
}
