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
import org.barchan.cli.option.ReverseSpec;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.PortForward;
import org.barchan.client.PortTarget;
import org.barchan.client.ReverseForward;
import org.barchan.client.Sandbox;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan port-forward}. */
@Command(
        name = "port-forward",
        description = {
            "Listen on this host, and carry whoever connects to what listens in a sandbox, which needs no network; or",
            "with --reverse the other way round.",
            "Goes on until it is interrupted, or the command of the sandbox has ended."
        },
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {"0:The command of the sandbox has ended.", ExitStatus.FAILED, "130:It was interrupted."},
        footer = {
            "",
            "JSON: a line for each PORTS, once it is listened at: {localAddress, localPort} or {localPath}, and",
            "{remotePort} or {remotePath}; {protocol: udp} if it is that. With --reverse {sandboxPort}, and",
            "{targetAddress, targetPort} or {targetPath}."
        })
final class PortForwardVerb implements Callable<Integer> {
    @Option(
            names = "--address",
            paramLabel = "ADDRESS",
            description =
                    "Listen at this IP address where PORTS has none; with --reverse, connect to it. 127.0.0.1 by default.")
    private String address = "127.0.0.1";

    @Option(
            names = "--reverse",
            description = {
                "Listen in the sandbox, and carry whoever connects there to this host. PORTS are [SANDBOXPORT:][ADDRESS:]PORT: two",
                "TCP ports; or an absolute path of a unix socket of this host instead of the last."
            })
    private boolean reverse;

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
        List<Forwarding> forwardings =
                ports.stream().map(text -> forwarding(text, everywhere)).toList();
        List<Runnable> undo = new CopyOnWriteArrayList<>();
        Signals.beforeExit(() -> undo.forEach(Runnable::run));
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            Sandbox sandbox = client.get(name);
            if (sandbox.end().isPresent()) {
                throw new BarchanException(
                        BarchanException.Code.PRECONDITION,
                        "sandbox " + sandbox.id() + " has ended; nothing listens in it any more");
            }
            for (Forwarding forwarding : forwardings) {
                undo.add(forwarding.begin(client, sandbox));
            }
            var _ = client.await(sandbox.id());
            return ExitStatus.OK;
        } finally {
            undo.forEach(Runnable::run);
        }
    }

    /** One of PORTS. */
    private interface Forwarding {
        /** Begins it, and returns what ends it. */
        Runnable begin(BarchanClient client, Sandbox sandbox) throws BarchanException;
    }

    private Forwarding forwarding(String text, InetAddress address) {
        if (reverse) {
            ReverseSpec spec = ReverseSpec.parse(text, address);
            return (client, sandbox) -> {
                ReverseForward forward =
                        client.forwardReverse(sandbox.id(), spec.port(), spec.target(), PortForwardVerb::failed);
                Messages.result(output.json() ? json(forward) : text(forward, sandbox));
                return forward::close;
            };
        }
        ForwardSpec spec = ForwardSpec.parse(text, address);
        return (client, sandbox) -> {
            PortForward forward = client.forward(sandbox.id(), spec.local(), spec.target(), PortForwardVerb::failed);
            Messages.result(output.json() ? json(forward) : text(forward));
            return forward::close;
        };
    }

    private static String text(ReverseForward forward, Sandbox sandbox) {
        return "Forwarding from " + sandbox.name() + ":" + forward.port() + " -> " + text(forward.target()) + "\n";
    }

    private static String json(ReverseForward forward) {
        JsonObject json = new JsonObject();
        json.addProperty("sandboxPort", forward.port());
        address(json, "target", forward.target());
        return json + "\n";
    }

    /** As NAMEAddress and NAMEPort, or NAMEPath. */
    private static void address(JsonObject json, String name, SocketAddress address) {
        if (address instanceof InetSocketAddress inet) {
            json.addProperty(name + "Address", inet.getAddress().getHostAddress());
            json.addProperty(name + "Port", inet.getPort());
        } else {
            json.addProperty(name + "Path", address.toString());
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
        address(json, "local", forward.local());
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
