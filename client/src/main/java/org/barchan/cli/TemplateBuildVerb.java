package org.barchan.cli;

import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.cli.option.SandboxOptions;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.BuiltTemplate;
import org.barchan.client.SandboxSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code barchan template build}. */
@Command(
        name = "build",
        sortOptions = false,
        customSynopsis = "barchan template build [OPTIONS]",
        description = "Make the template that 'barchan run' with the same options goes on from, and wait for it.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            "0:It is made, or was there.",
            ExitStatus.FAILED,
            "128+N:Signal N ended it, and nothing of it is left."
        },
        footer = {
            "",
            "--memory, --vcpus, --accel and the options of the kernel make a difference, and whether there is an",
            "image, scratch or a disk. The others are taken, so that those of a run can be given as they are.",
            "",
            "JSON: {made, template}, the latter as 'barchan template list --help' describes it."
        })
final class TemplateBuildVerb implements Callable<Integer> {
    @Mixin
    private final SandboxOptions sandbox = new SandboxOptions();

    @Mixin
    private final OutputOption output = new OutputOption();

    @Option(
            names = {"-v", "--verbose"},
            description = "Say on standard error what is being done.")
    private boolean verbose;

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        Caller caller = Caller.current();
        SandboxSpec spec = sandbox.toSpec(caller::absolute, false, true);
        // When a signal ends this process, the agent sees the connection end, and takes down what was begun.
        ProgressPrinter progress = new ProgressPrinter(verbose);
        try (BarchanClient client = BarchanClient.connect(Agents.of(caller))) {
            BuiltTemplate built = client.buildTemplate(spec, progress::print);
            Messages.result(output.json() ? json(built) : text(built));
        } finally {
            progress.stop();
        }
        return ExitStatus.OK;
    }

    private static String json(BuiltTemplate built) {
        JsonObject json = new JsonObject();
        json.addProperty("made", built.made());
        json.add("template", TemplateReport.json(built.template()));
        return json + "\n";
    }

    private static String text(BuiltTemplate built) {
        return built.template().id()
                + (built.made()
                        ? " made, " + TemplateReport.size(built.template().sizeBytes())
                        : " was there already")
                + "\n";
    }
}
