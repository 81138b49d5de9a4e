package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.Kernel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code barchan kernels}. */
@Command(
        name = "kernels",
        description = "List the kernels below /boot, the newest first, and which can run a sandbox.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {"0:There is one that can.", "1:There is none that can.", ExitStatus.FAILED},
        footer = {"", "JSON: {kernels: [{release, image, usable, problem}]}; problem is absent where there is none."})
final class KernelsVerb implements Callable<Integer> {
    @Mixin
    private final OutputOption output = new OutputOption();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            List<Kernel> kernels = client.kernels();
            Messages.result(output.json() ? json(kernels) : text(kernels));
            return kernels.stream().anyMatch(kernel -> kernel.problem().isEmpty())
                    ? ExitStatus.OK
                    : ExitStatus.CHECK_FAILED;
        }
    }

    private static String json(List<Kernel> kernels) {
        JsonArray all = new JsonArray();
        for (Kernel kernel : kernels) {
            JsonObject one = new JsonObject();
            one.addProperty("release", kernel.release());
            one.addProperty("image", kernel.image());
            one.addProperty("usable", kernel.problem().isEmpty());
            kernel.problem().ifPresent(problem -> one.addProperty("problem", problem));
            all.add(one);
        }
        JsonObject json = new JsonObject();
        json.add("kernels", all);
        return json + "\n";
    }

    private static String text(List<Kernel> kernels) {
        StringBuilder text = new StringBuilder(row("USABLE", "RELEASE", "IMAGE"));
        for (Kernel kernel : kernels) {
            text.append(row(kernel.problem().isEmpty() ? "yes" : "no", kernel.release(), kernel.image()));
            kernel.problem().ifPresent(problem -> text.append(row("", "", problem)));
        }
        return text.toString();
    }

    private static String row(String usable, String release, String image) {
        return String.format("%-7s %-32s %s%n", usable, release, image);
    }
}
