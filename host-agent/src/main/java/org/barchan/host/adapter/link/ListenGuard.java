package org.barchan.host.adapter.link;

import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ListenResponse;
import org.jspecify.annotations.Nullable;

/** Watches over what a guest tells of a port that it listens at. */
final class ListenGuard {
    private static final int MAX_PORT = 65535;

    private final String action;
    private final int wanted;

    /**
     * @param action what was tried, for messages
     * @param wanted the port; 0: any
     */
    ListenGuard(String action, int wanted) {
        this.action = action;
        this.wanted = wanted;
    }

    /** @throws SandboxException {@code LOST} when no honest guest sends this, as the other method does */
    ListenResponse first(org.barchan.guest.v1.@Nullable ListenResponse response) throws SandboxException {
        if (response == null || !response.hasListening()) {
            throw CheckedMessages.bad(action, "something before it listens");
        }
        int port = response.getListening();
        if (port < 1 || port > MAX_PORT || (wanted != 0 && port != wanted)) {
            throw CheckedMessages.bad(action, "another port: " + Integer.toUnsignedString(port));
        }
        return ListenResponse.newBuilder().setTcpPort(port).build();
    }

    ListenResponse accepted(org.barchan.guest.v1.@Nullable ListenResponse response) throws SandboxException {
        if (response == null || !response.hasAccepted()) {
            throw CheckedMessages.bad(action, "something else than a connection");
        }
        return ListenResponse.newBuilder()
                .setAcceptedConnection(response.getAccepted())
                .build();
    }
}
