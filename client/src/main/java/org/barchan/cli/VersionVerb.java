package org.barchan.cli;

import com.google.gson.JsonObject;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.AgentAccess;
import org.barchan.client.AgentInfo;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code barchan version}. */
@Command(
        name = "version",
        description = "Print the version of this client, and of the agent if one listens.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {"", "JSON: {client, agent: {version, libvirtVersion, pid, stateDirectory}}; no agent, no member."})
final class VersionVerb implements Callable<Integer> {
    @Mixin
    private final OutputOption output = new OutputOption();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        String client = BarchanClient.version();
        Optional<AgentInfo> agent = findAgent();
        Messages.result(output.json() ? json(client, agent) : text(client, agent));
        return ExitStatus.OK;
    }

    /** A client that can't tell where its agent is still has a version. */
    private static Optional<AgentInfo> findAgent() {
        try {
            AgentAccess access = Agents.of(Caller.current());
            return BarchanClient.findAgent(access);
        } catch (BarchanException e) {
            Messages.warning("no agent was asked: " + e.getMessage());
            return Optional.empty();
        }
    }

    private static String text(String client, Optional<AgentInfo> agent) {
        return "barchan " + client + "\n"
                + agent.map(info -> "agent " + info.version() + ", process " + info.pid() + ", libvirt "
                                + (info.libvirtVersion().isEmpty() ? "missing" : info.libvirtVersion()) + ", state in "
                                + info.stateDirectory() + "\n")
                        .orElse("no agent listens\n");
    }

    private static String json(String client, Optional<AgentInfo> agent) {
        JsonObject json = new JsonObject();
        json.addProperty("client", client);
        agent.ifPresent(info -> {
            JsonObject one = new JsonObject();
            one.addProperty("version", info.version());
            one.addProperty("libvirtVersion", info.libvirtVersion());
            one.addProperty("pid", info.pid());
            one.addProperty("stateDirectory", info.stateDirectory());
            json.add("agent", one);
        });
        return json + "\n";
    }
}
