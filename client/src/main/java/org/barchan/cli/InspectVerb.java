package org.barchan.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.client.BarchanException;
import org.barchan.client.Sandbox;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code barchan inspect}. */
@Command(
        name = "inspect",
        description =
                "Print all that is known of sandboxes, also of those that have ended and are kept, as a JSON array.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:All of them are in it.",
            "125:One of them could not be looked at, as standard error says; the others are in it."
        },
        footer = {
            "",
            "Each as 'barchan run --help' describes it, and processes: [{id, createTime, command, tty, termination, endTime}]."
        })
final class InspectVerb implements Callable<Integer> {
    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "Name or id of a sandbox.")
    private List<String> names = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        JsonArray all = new JsonArray();
        int status = EachSandbox.of(names, (client, name) -> {
            Sandbox sandbox = client.get(name);
            JsonObject json = JsonReport.json(sandbox);
            JsonArray processes = new JsonArray();
            client.processes(sandbox.id()).forEach(process -> processes.add(JsonReport.json(process)));
            json.add("processes", processes);
            all.add(json);
        });
        Messages.result(GSON.toJson(all) + "\n");
        return status;
    }
}
