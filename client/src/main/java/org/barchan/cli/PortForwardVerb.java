package org.barchan.cli;

import com.google.gson.JsonObject;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import org.barchan.cli.option.ForwardSpec;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.PortForward;
import org.barchan.client.PortTarget;
import org.barchan.client.Sandbox;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan port-forward}. */
@Command(
        name = "port-forward",
        description = {
            "Listen on this host, and carry whoever connects to what listens in a sandbox, which needs no network.",
            "Goes on until it is interrupted, or the command of the sandbox has ended."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {"0:The command of the sandbox has ended.", ExitStatus.FAILED, "130:It was interrupted."},
        footer = {
            "",
            "JSON: a line for each PORTS, once it is listened at: {localAddress, localPort} or {localPath}, and",
            "{remotePort} or {remotePath}; {protocol: udp} if it is that."
        })
final class PortForwardVerb implements Callable<Integer> {
    @Option(
            names = "--address",
            paramLabel = "ADDRESS",
            description = "Listen at this IP address where PORTS has none. 127.0.0.1 by default.")
    private String address = "127.0.0.1";

    @Mixin
    private final OutputOption output = new OutputOption();

    @Parameters(index = "0", paramLabel = "NAME", description = "Name or id of a sandbox.")
    private String name = "";

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "PORTS",
            description = {
                "[[ADDRESS:]LOCAL:]REMOTE[/tcp|/udp]: two TCP or UDP ports. Without LOCAL it is the same as REMOTE; if it is 0 or empty,",
                "as in :80, it is any that is free. Either can be the absolute path of a unix socket."
            })
    private List<String> ports = new ArrayList<>();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        InetAddress everywhere = ForwardSpec.address("--address", address);
        List<ForwardSpec> specs =
                ports.stream().map(text -> ForwardSpec.parse(text, everywhere)).toList();
        List<PortForward> forwards = new CopyOnWriteArrayList<>();
        Signals.beforeExit(() -> forwards.forEach(PortForward::close));
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            Sandbox sandbox = client.get(name);
            if (sandbox.end().isPresent()) {
                throw new BarchanException(
                        BarchanException.Code.PRECONDITION,
                        "sandbox " + sandbox.id() + " has ended; nothing listens in it any more");
            }
            for (ForwardSpec spec : specs) {
                PortForward forward =
                        client.forward(sandbox.id(), spec.local(), spec.target(), PortForwardVerb::failed);
                forwards.add(forward);
                Messages.result(output.json() ? json(forward) : text(forward));
            }
            var _ = client.await(sandbox.id());
            return ExitStatus.OK;
        } finally {
            forwards.forEach(PortForward::close);
        }
    }

    private static void failed(BarchanException e) {
        Messages.error(e);
    }

    private static String text(PortForward forward) {
        return "Forwarding from " + text(forward.local()) + " -> " + forward.target() + "\n";
    }

    private static String text(SocketAddress local) {
        return local instanceof InetSocketAddress inet
                ? (inet.getAddress().getAddress().length == 4
                                ? inet.getAddress().getHostAddress()
                                : "[" + inet.getAddress().getHostAddress() + "]")
                        + ":" + inet.getPort()
                : local.toString();
    }

    private static String json(PortForward forward) {
        JsonObject json = new JsonObject();
        if (forward.local() instanceof InetSocketAddress inet) {
            json.addProperty("localAddress", inet.getAddress().getHostAddress());
            json.addProperty("localPort", inet.getPort());
        } else {
            json.addProperty("localPath", forward.local().toString());
        }
        switch (forward.target()) {
            case PortTarget.Tcp(int port) -> json.addProperty("remotePort", port);
            case PortTarget.Udp(int port) -> {
                json.addProperty("remotePort", port);
                json.addProperty("protocol", "udp");
            }
            case PortTarget.Unix(String path) -> json.addProperty("remotePath", path);
        }
        return json + "\n";
    }
}
