package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The agent's log as programs read it. */
class AgentLogIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @Test
    void json_isAnObjectALine() throws Exception {
        Instant before = Instant.now();
        ProcessBuilder builder = barchan.builder("run", "--name", "logged", "--", "sh", "-c", "exit 3");
        builder.environment().put("BARCHAN_LOG_FORMAT", "json");
        Barchan.launch(builder).result().expect(3);

        List<JsonObject> log = records(before);
        JsonObject run = log.stream()
                .filter(record -> text(record, "message").contains("run 'logged'"))
                .findFirst()
                .orElseThrow(() -> new AssertionError(log.toString()));
        String id = text(run, "sandboxId");
        assertTrue(id.matches("b-[a-z0-9]{12}"), run::toString);
        assertEquals("info", text(run, "level"));
        assertTrue(
                log.stream()
                        .anyMatch(record -> record.has("sandboxId")
                                && text(record, "sandboxId").equals(id)
                                && text(record, "message").contains("exit code 3")),
                log::toString);
    }

    /** Returns what is JSON, of the logs of all agents of the state directory. */
    private static List<JsonObject> records(Instant from) throws IOException {
        List<JsonObject> records = new ArrayList<>();
        try (Stream<Path> files = Files.list(barchan.installation().state().resolve("log"))) {
            for (Path file : files.toList()) {
                Files.readAllLines(file, StandardCharsets.UTF_8).stream()
                        .filter(line -> line.startsWith("{"))
                        .map(line -> JsonParser.parseString(line).getAsJsonObject())
                        .filter(record -> Instant.parse(text(record, "time")).isAfter(from))
                        .forEach(records::add);
            }
        }
        return records;
    }

    private static String text(JsonObject record, String member) {
        return record.get(member).getAsString();
    }
}
