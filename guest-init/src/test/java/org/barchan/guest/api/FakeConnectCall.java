package org.barchan.guest.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.barchan.guest.v1.ConnectResponse;
import org.barchan.guest.v1.ConnectResponse.ResponseCase;

/** That of a connection. */
final class FakeConnectCall extends FakeCall<ConnectResponse> {
    /** Returns the next response, which is of that kind. */
    ConnectResponse next(ResponseCase kind) throws Exception {
        ConnectResponse response = next();
        assertEquals(kind, response.getResponseCase());
        return response;
    }
}
