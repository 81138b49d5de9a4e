package org.barchan.host.sandbox;

/** What listens in a sandbox. */
public sealed interface PortAddress {
    /** One that has a number. */
    sealed interface Numbered extends PortAddress {
        int MAX = 65535;

        int port();

        private static void check(int port) {
            if (port < 1 || port > MAX) {
                throw new IllegalArgumentException(
                        Integer.toUnsignedString(port) + " (expected: a port from 1 to " + MAX + ")");
            }
        }
    }

    /** A UDP port of the sandbox's loopback: what is carried are datagrams. */
    record Udp(int port) implements Numbered {
        /** The longest datagram. */
        public static final int MAX_DATAGRAM = 65507;

        /** @throws IllegalArgumentException when there is no such port */
        public Udp {
            Numbered.check(port);
        }

        @Override
        public String toString() {
            return "UDP port " + port;
        }
    }

    /** A TCP port of the sandbox's loopback. */
    record Tcp(int port) implements Numbered {
        /** @throws IllegalArgumentException when there is no such port */
        public Tcp {
            Numbered.check(port);
        }

        @Override
        public String toString() {
            return "TCP port " + port;
        }
    }

    /** A connection that was made to what listens in the sandbox for the host. */
    record Accepted(long id) implements PortAddress {
        @Override
        public String toString() {
            return "accepted connection " + Long.toUnsignedString(id);
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
