package org.barchan.cli;

import com.google.gson.JsonObject;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.Template;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code barchan template prune}. */
@Command(
        name = "prune",
        description =
                "Remove the templates that no sandbox can go on from any more: the kernel, QEMU, libvirt or Barchan are others now.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {"", "JSON: {removed: [...], freedBytes}, the former as 'barchan template list --help' describes them."
        })
final class TemplatePruneVerb implements Callable<Integer> {
    @Option(
            names = {"-a", "--all"},
            description = "Remove all templates. Those that are asked for again are made again.")
    private boolean all;

    @Mixin
    private final OutputOption output = new OutputOption();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            List<Template> removed = client.pruneTemplates(all);
            long freed = removed.stream().mapToLong(Template::sizeBytes).sum();
            if (output.json()) {
                JsonObject json = new JsonObject();
                json.add("removed", TemplateReport.json(removed));
                json.addProperty("freedBytes", freed);
                Messages.result(json + "\n");
            } else {
                StringBuilder text = new StringBuilder();
                removed.forEach(template -> text.append(template.id()).append(" removed\n"));
                Messages.result(text + "freed " + TemplateReport.size(freed) + "\n");
            }
        }
        return ExitStatus.OK;
    }
}
