package org.barchan.host.sandbox;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.regex.Pattern;

/**
 * A port of this host that leads to one of a sandbox.
 *
 * @param host where to listen; port 0 for any that is free
 * @param target what is reached there
 */
public record PublishedPort(InetSocketAddress host, PortAddress.Numbered target) {
    /** How many a sandbox may have. */
    public static final int MAX = 64;

    private static final int MAX_PORT = 65535;

    /** Not the shorter forms, of which 0 is all addresses of the host. */
    private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");

    /**
     * Returns one.
     *
     * @param address an IP address; empty for 127.0.0.1
     * @throws IllegalArgumentException when there is no such address or port
     */
    public static PublishedPort of(String address, int hostPort, PortAddress.Numbered target) {
        if (hostPort < 0 || hostPort > MAX_PORT) {
            throw new IllegalArgumentException(
                    "host_port " + Integer.toUnsignedString(hostPort) + " (expected: 0 to " + MAX_PORT + ")");
        }
        InetAddress host;
        if (address.indexOf(':') < 0
                && !address.isEmpty()
                && !IPV4.matcher(address).matches()) {
            throw new IllegalArgumentException("address '" + address + "' (expected: an IP address)");
        }
        try {
            host = InetAddress.ofLiteral(address.isEmpty() ? "127.0.0.1" : address);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("address '" + address + "' (expected: an IP address)", e);
        }
        return new PublishedPort(new InetSocketAddress(host, hostPort), target);
    }

    /** Returns it with the port that was chosen. */
    public PublishedPort at(int hostPort) {
        return new PublishedPort(new InetSocketAddress(host.getAddress(), hostPort), target);
    }

    /** Returns where it listens, as text. */
    public String listensAt() {
        String text = host.toString();
        return text.substring(text.indexOf('/') + 1);
    }
}
