package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.AgentInfo;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.Diagnosis;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code barchan doctor}. */
@Command(
        name = "doctor",
        description = "Check everything that a run needs, each with what to do about it.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {"0:Sandboxes run; warnings name drawbacks.", "1:Sandboxes don't run.", ExitStatus.FAILED},
        footer = {"", "JSON: {healthy, checks: [{check, outcome: ok|warning|failed, detail, remedy}]}."})
final class DoctorVerb implements Callable<Integer> {
    @Mixin
    private final OutputOption output = new OutputOption();

    @Mixin
    final HelpOption help = new HelpOption();

    private final List<Diagnosis> checks = new ArrayList<>();

    @Override
    public Integer call() throws BarchanException {
        if (!output.json()) {
            Messages.result(row("OUTCOME", "CHECK", "DETAIL"));
        }
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            AgentInfo agent = client.agent();
            add(new Diagnosis(
                    "agent", Diagnosis.Outcome.OK, "version " + agent.version() + ", process " + agent.pid(), ""));
            client.diagnose(this::add);
        } catch (BarchanException e) {
            add(new Diagnosis(
                    "agent",
                    Diagnosis.Outcome.FAILED,
                    String.valueOf(e.getMessage()),
                    "do what the message says, then run 'barchan doctor' again"));
        }
        boolean healthy = checks.stream().noneMatch(check -> check.outcome() == Diagnosis.Outcome.FAILED);
        if (output.json()) {
            Messages.result(json(healthy) + "\n");
        }
        return healthy ? ExitStatus.OK : ExitStatus.CHECK_FAILED;
    }

    /** Prints at once: some checks take seconds. */
    private void add(Diagnosis check) {
        checks.add(check);
        if (output.json()) {
            return;
        }
        try {
            Messages.result(row(JsonReport.lower(check.outcome()), check.check(), check.detail()));
            if (!check.remedy().isEmpty()) {
                Messages.result(row("", "", "remedy: " + check.remedy()));
            }
        } catch (BarchanException e) {
            // Nobody reads the table; the status still tells.
        }
    }

    private static String row(String outcome, String check, String detail) {
        String indented = detail.replace("\n", "\n" + " ".repeat(28));
        return String.format("%-8s %-18s %s%n", outcome, check, indented);
    }

    private JsonObject json(boolean healthy) {
        JsonArray all = new JsonArray();
        for (Diagnosis check : checks) {
            JsonObject one = new JsonObject();
            one.addProperty("check", check.check());
            one.addProperty("outcome", JsonReport.lower(check.outcome()));
            one.addProperty("detail", check.detail());
            one.addProperty("remedy", check.remedy());
            all.add(one);
        }
        JsonObject json = new JsonObject();
        json.addProperty("healthy", healthy);
        json.add("checks", all);
        return json;
    }
}
