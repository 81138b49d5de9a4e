package org.barchan.client;

/**
 * A port of the agent's host that leads to one of a sandbox's loopback.
 *
 * @param address IP address to listen at
 * @param hostPort port to listen at, up to 65535; 0 for any that is free
 * @param port that of the sandbox, 1 to 65535
 * @param protocol of both
 */
public record PublishedPort(String address, int hostPort, int port, Protocol protocol) {
    /** What a port is one of. */
    public enum Protocol {
        TCP,
        UDP
    }
}
