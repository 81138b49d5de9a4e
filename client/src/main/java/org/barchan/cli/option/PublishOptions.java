package org.barchan.cli.option;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.barchan.client.PortTarget;
import org.barchan.client.PublishedPort;
import picocli.CommandLine.Option;

/** {@code --publish}. */
public final class PublishOptions {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    @Option(
            names = "--publish",
            paramLabel = "PORTS",
            description = {
                "[ADDRESS:]HOSTPORT:PORT[/tcp|/udp], any number of times: listen on this host as long as the sandbox lives, and carry"
                        + " whoever connects to a TCP port of its loopback, or datagrams to a UDP port. HOSTPORT 0 or empty: any that is free, as barchan-inspect(1)"
                        + " says. Without ADDRESS only this host gets there: it is 127.0.0.1."
            })
    private List<String> ports = new ArrayList<>();

    /** @throws IllegalArgumentException when one of them is wrong */
    public List<PublishedPort> toSpec() {
        return ports.stream().map(PublishOptions::parse).toList();
    }

    static PublishedPort parse(String text) {
        try {
            ForwardSpec spec = ForwardSpec.parse(text, LOOPBACK);
            if (text.contains(":") && spec.local() instanceof InetSocketAddress local) {
                String address = local.getAddress().getHostAddress();
                switch (spec.target()) {
                    case PortTarget.Tcp(int port) -> {
                        return new PublishedPort(address, local.getPort(), port, PublishedPort.Protocol.TCP);
                    }
                    case PortTarget.Udp(int port) -> {
                        return new PublishedPort(address, local.getPort(), port, PublishedPort.Protocol.UDP);
                    }
                    case PortTarget.Unix _ -> {}
                }
            }
            throw new IllegalArgumentException(
                    "expected: [ADDRESS:]HOSTPORT:PORT, for example 8080:80, or 0:80 for any port that is free");
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "invalid value for option '--publish': '" + text + "': " + e.getMessage(), e);
        }
    }

    /** Puts what is set into a file of options. */
    public void addTo(Map<String, Object> values) {
        if (!ports.isEmpty()) {
            values.put("publish", List.copyOf(ports));
        }
    }
}
