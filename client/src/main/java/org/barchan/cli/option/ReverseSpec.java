package org.barchan.cli.option;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;

/**
 * What {@code port-forward --reverse} is to do: {@code [SANDBOXPORT:][ADDRESS:]PORT}, or a path instead of the last two.
 *
 * @param port where to listen in the sandbox; 0: at any that is free
 * @param target what is reached on this host
 */
public record ReverseSpec(int port, SocketAddress target) {
    private static final int MAX = 65535;

    /**
     * Reads it.
     *
     * @param address what is reached if it does not say
     * @throws IllegalArgumentException when it is wrong
     */
    public static ReverseSpec parse(String text, InetAddress address) {
        int colon = text.indexOf(':');
        String first = colon < 0 ? text : text.substring(0, colon);
        String rest = colon < 0 ? text : text.substring(colon + 1);
        int port = first.isEmpty() ? 0 : port(text, first, 0);
        if (rest.startsWith("/")) {
            return new ReverseSpec(port, UnixDomainSocketAddress.of(rest));
        }
        int last = rest.lastIndexOf(':');
        InetAddress at = last < 0 ? address : ForwardSpec.address(text, rest.substring(0, last));
        return new ReverseSpec(port, new InetSocketAddress(at, port(text, rest.substring(last + 1), 1)));
    }

    private static int port(String text, String port, int least) {
        if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) > MAX || Integer.parseInt(port) < least) {
            throw new IllegalArgumentException("invalid ports '" + text + "' (expected: [SANDBOXPORT:][ADDRESS:]PORT,"
                    + " for example 8080:3000; a port from " + least + " to 65535 in place of '" + port + "')");
        }
        return Integer.parseInt(port);
    }
}
