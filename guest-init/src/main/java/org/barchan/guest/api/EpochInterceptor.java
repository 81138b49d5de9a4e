package org.barchan.guest.api;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import org.barchan.guest.link.LinkListener.Connection;
import org.barchan.guest.link.LinkServerSocket.EpochAddress;

/** Tells each call which epoch of the link it came over. */
final class EpochInterceptor implements ServerInterceptor {
    /** The current call's. */
    static final Context.Key<Connection> EPOCH = Context.key("epoch");

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        EpochAddress peer = (EpochAddress) call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        return Contexts.interceptCall(Context.current().withValue(EPOCH, peer.connection()), call, headers, next);
    }
}
