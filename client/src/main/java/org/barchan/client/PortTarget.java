package org.barchan.client;

/** What listens in a sandbox. */
public sealed interface PortTarget {
    /**
     * A TCP port of the sandbox's loopback: of 127.0.0.1, or else of ::1.
     *
     * @param port 1 to 65535
     */
    record Tcp(int port) implements PortTarget {
        private static final int MAX = 65535;

        /** @throws IllegalArgumentException when there is no such port */
        public Tcp {
            if (port < 1 || port > MAX) {
                throw new IllegalArgumentException(port + " (expected: a port from 1 to " + MAX + ")");
            }
        }

        @Override
        public String toString() {
            return Integer.toString(port);
        }
    }

    /**
     * A UDP port of the sandbox's loopback, 127.0.0.1. What is carried are datagrams, which may be lost.
     *
     * @param port 1 to 65535
     */
    record Udp(int port) implements PortTarget {
        /** @throws IllegalArgumentException when there is no such port */
        public Udp {
            if (port < 1 || port > Tcp.MAX) {
                throw new IllegalArgumentException(port + " (expected: a port from 1 to " + Tcp.MAX + ")");
            }
        }

        @Override
        public String toString() {
            return port + "/udp";
        }
    }

    /**
     * A unix stream socket in the sandbox.
     *
     * @param path absolute; see {@link RawText}
     */
    record Unix(String path) implements PortTarget {
        /** @throws IllegalArgumentException when the path is not absolute */
        public Unix {
            if (!path.startsWith("/")) {
                throw new IllegalArgumentException("'" + path + "' (expected: an absolute path)");
            }
        }

        @Override
        public String toString() {
            return path;
        }
    }
}
