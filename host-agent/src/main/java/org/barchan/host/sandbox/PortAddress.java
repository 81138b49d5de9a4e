package org.barchan.host.sandbox;

/** What listens in a sandbox. */
public sealed interface PortAddress {
    /** A TCP port of the sandbox's loopback. */
    record Tcp(int port) implements PortAddress {
        private static final int MAX = 65535;

        /** @throws IllegalArgumentException when there is no such port */
        public Tcp {
            if (port < 1 || port > MAX) {
                throw new IllegalArgumentException(
                        Integer.toUnsignedString(port) + " (expected: a port from 1 to " + MAX + ")");
            }
        }

        @Override
        public String toString() {
            return "TCP port " + port;
        }
    }

    /** A unix stream socket in the sandbox. */
    record Unix(GuestPath path) implements PortAddress {
        @Override
        public String toString() {
            return path.toString();
        }
    }
}
