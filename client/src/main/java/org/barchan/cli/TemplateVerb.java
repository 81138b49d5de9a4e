package org.barchan.cli;

import org.barchan.cli.option.HelpOption;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code barchan template}: its verbs under one roof, for help and completion. */
@Command(
        name = "template",
        customSynopsis = "barchan template VERB [OPTIONS]",
        description =
                "List, make and remove templates: guests that were booted and saved, for sandboxes to go on from.",
        subcommands = {TemplateListVerb.class, TemplateBuildVerb.class, TemplatePruneVerb.class},
        commandListHeading = "%nCommands%n",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED, "other:See the verb."})
final class TemplateVerb {
    @Mixin
    final HelpOption help = new HelpOption();
}
