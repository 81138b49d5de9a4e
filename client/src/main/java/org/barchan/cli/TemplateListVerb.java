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

/** {@code barchan template list}. */
@Command(
        name = "list",
        description = "List the templates, the last used first.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {
            "",
            "JSON: {templates: [{id, sizeBytes, createTime, lastUseTime, kernelRelease, accelerator, memoryBytes,",
            "vcpus, disks, kernelArguments}]}; what is not known is absent, and lastUseTime where it was not used."
        })
final class TemplateListVerb implements Callable<Integer> {
    @Mixin
    private final OutputOption output = new OutputOption();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            List<Template> templates = client.templates();
            if (output.json()) {
                JsonObject json = new JsonObject();
                json.add("templates", TemplateReport.json(templates));
                Messages.result(json + "\n");
            } else {
                Messages.result(TemplateReport.text(templates));
            }
        }
        return ExitStatus.OK;
    }
}
