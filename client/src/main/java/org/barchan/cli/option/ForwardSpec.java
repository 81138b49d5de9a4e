package org.barchan.cli.option;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.barchan.client.PortTarget;

/**
 * What {@code port-forward} is to do: {@code [[ADDRESS:]LOCAL:]REMOTE[/tcp|/udp]}.
 *
 * @param local where to listen
 * @param target what is reached there
 */
public record ForwardSpec(SocketAddress local, PortTarget target) {
    /** Not the shorter forms, of which 0 is all addresses of the host. */
    private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");

    /** Not a path that ends so. */
    private static final Pattern WITH_PROTOCOL = Pattern.compile("([0-9]+)/(tcp|udp)");

    private static final String EXPECTED = "[[ADDRESS:]LOCAL:]REMOTE, for example 8080:80 or :80";

    /**
     * Reads it.
     *
     * @param address where to listen if it does not say
     * @throws IllegalArgumentException when it is wrong
     */
    public static ForwardSpec parse(String text, InetAddress address) {
        // A path may have colons in it, but nothing else has ":/".
        int path = text.indexOf(":/", 1);
        int colon = path >= 0 || text.startsWith(":/") ? Math.max(path, 0) : text.lastIndexOf(':');
        Matcher protocol = WITH_PROTOCOL.matcher(text.substring(colon + 1));
        boolean given = protocol.matches();
        String remote = given ? protocol.group(1) : text.substring(colon + 1);
        boolean udp = given && protocol.group(2).equals("udp");
        if (colon < 0 && remote.startsWith("/")) {
            throw wrong(text, EXPECTED);
        }
        String local = colon < 0 ? remote : text.substring(0, colon);
        PortTarget target = target(text, remote, udp);
        if (local.startsWith("/") && udp) {
            throw wrong(text, "two UDP ports");
        }
        if (local.startsWith("/")) {
            return new ForwardSpec(UnixDomainSocketAddress.of(local), target);
        }
        int last = local.lastIndexOf(':');
        InetAddress at = last < 0 ? address : address(text, local.substring(0, last));
        String port = local.substring(last + 1);
        return new ForwardSpec(new InetSocketAddress(at, port.isEmpty() ? 0 : port(text, port, 0)), target);
    }

    private static PortTarget target(String text, String remote, boolean udp) {
        if (remote.startsWith("/")) {
            return new PortTarget.Unix(remote);
        }
        int port = port(text, remote, 1);
        return udp ? new PortTarget.Udp(port) : new PortTarget.Tcp(port);
    }

    private static int port(String text, String port, int least) {
        if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65535 || Integer.parseInt(port) < least) {
            throw wrong(text, "a port from " + least + " to 65535 in place of '" + port + "'");
        }
        return Integer.parseInt(port);
    }

    /**
     * Reads the address of an interface of this host.
     *
     * @param what where it stands, for the message
     * @throws IllegalArgumentException when it is none
     */
    public static InetAddress address(String what, String text) {
        if (text.equals("localhost")) {
            return address(what, "127.0.0.1");
        }
        try {
            if (text.indexOf(':') < 0 && !IPV4.matcher(text).matches()) {
                throw new IllegalArgumentException("neither four numbers nor IPv6");
            }
            boolean brackets = text.startsWith("[") && text.endsWith("]");
            return InetAddress.ofLiteral(brackets ? text.substring(1, text.length() - 1) : text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    what + ": invalid address '" + text + "' (expected: an IP address, for example 127.0.0.1)", e);
        }
    }

    private static IllegalArgumentException wrong(String text, String expected) {
        return new IllegalArgumentException("invalid ports '" + text + "' (expected: " + expected + ")");
    }
}
