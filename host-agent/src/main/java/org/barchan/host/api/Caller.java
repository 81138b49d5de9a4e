package org.barchan.host.api;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.barchan.host.sandbox.HostUser;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who makes a call, and whether they may. */
final class Caller implements ServerInterceptor {
    private static final Logger LOG = LoggerFactory.getLogger(Caller.class);
    private static final Context.Key<HostUser> KEY = Context.key("org.barchan.caller");

    private final Set<Integer> allowedUids;
    private final Function<ServerCall<?, ?>, Optional<HostUser>> identify;

    /**
     * @param allowedUids the users who may call
     * @param identify finds the user of a call
     */
    Caller(Set<Integer> allowedUids, Function<ServerCall<?, ?>, Optional<HostUser>> identify) {
        this.allowedUids = Set.copyOf(allowedUids);
        this.identify = identify;
    }

    /** Finds the user of a call over a unix socket. */
    static Optional<HostUser> peer(ServerCall<?, ?> call) {
        return Optional.ofNullable(call.getAttributes().get(PeerCredentialsNegotiator.PEER));
    }

    /** Returns the user who makes the current call. */
    static HostUser current() {
        return Optional.ofNullable(KEY.get())
                .orElseThrow(() -> new IllegalStateException("outside of a call, or the interceptor is missing"));
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        Optional<HostUser> user = identify.apply(call);
        if (user.filter(u -> allowedUids.contains(u.uid())).isEmpty()) {
            LOG.warn(
                    "refused {} to {}",
                    call.getMethodDescriptor().getFullMethodName(),
                    user.map(u -> "uid " + u.uid()).orElse("an unknown user"));
            call.close(
                    Status.PERMISSION_DENIED.withDescription("the agent serves its own user and root alone"),
                    new Metadata());
            return new ServerCall.Listener<>() {};
        }
        return Contexts.interceptCall(Context.current().withValue(KEY, user.get()), call, headers, next);
    }
}
