package org.barchan.client.internal;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.barchan.client.AgentAccess;
import org.barchan.client.AgentAccess.AgentStart;
import org.barchan.client.AgentInfo;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;

/** Finds the agent that listens, or starts one. */
public final class AgentLauncher {
    private record Answer(AgentChannel channel, AgentInfo agent) {}

    private AgentLauncher() {}

    /** See {@link BarchanClient#connect}. */
    public static AgentConnection connect(AgentAccess access) throws BarchanException {
        return new AgentConnection(access, open(access));
    }

    /** See {@link BarchanClient#findAgent}. */
    public static Optional<AgentInfo> find(AgentAccess access) throws BarchanException {
        Optional<Answer> answer = ask(access.socket());
        answer.ifPresent(found -> found.channel().close());
        return answer.map(Answer::agent);
    }

    static AgentChannel open(AgentAccess access) throws BarchanException {
        Optional<Answer> answer = ask(access.socket());
        if (answer.isEmpty()) {
            answer = startAndAsk(access);
        }
        return sameVersion(
                access,
                answer.orElseThrow(() -> new BarchanException(
                        Code.UNAVAILABLE,
                        "an agent said that it is ready, but nobody answers on " + access.socket()
                                + "; it may have ended since: look into its log")));
    }

    private static Optional<Answer> startAndAsk(AgentAccess access) throws BarchanException {
        AgentStart start = access.start()
                .orElseThrow(
                        () -> new BarchanException(
                                Code.UNAVAILABLE,
                                "no agent listens on " + access.socket()
                                        + "; start one there, or unset BARCHAN_ADDRESS and use bin/barchan of an installation, which starts one"));
        try (StartLock _ = StartLock.acquire(start.runtimeDirectory(), start.deadline())) {
            Optional<Answer> answer = ask(access.socket());
            if (answer.isPresent()) {
                return answer;
            }
            AgentProcess.start(start);
            return ask(access.socket());
        }
    }

    private static Optional<Answer> ask(Path socket) throws BarchanException {
        if (!SocketTrust.find(socket)) {
            return Optional.empty();
        }
        if (!Files.isWritable(socket)) {
            throw new BarchanException(
                    Code.DENIED,
                    "the agent's socket " + socket + " belongs to another user: you may not connect to it");
        }
        AgentChannel channel = new AgentChannel(socket);
        try {
            return Optional.of(new Answer(channel, channel.agent()));
        } catch (StatusRuntimeException e) {
            channel.close();
            return switch (e.getStatus().getCode()) {
                case UNAVAILABLE -> Optional.empty();
                case DEADLINE_EXCEEDED ->
                    throw new BarchanException(
                            Code.TIMEOUT,
                            "the agent on " + socket + " does not answer; find it with: fuser -v " + socket,
                            e);
                // The other codes all say that somebody listens and refuses.
                default -> throw StatusErrors.toException("asking the agent on " + socket, e);
            };
        }
    }

    private static AgentChannel sameVersion(AgentAccess access, Answer answer) throws BarchanException {
        String client = BarchanClient.version();
        AgentInfo agent = answer.agent();
        if (agent.version().equals(client)) {
            return answer.channel();
        }
        answer.channel().close();
        throw new BarchanException(
                Code.VERSION,
                "the agent on " + access.socket() + " is version " + agent.version() + ", this client is " + client
                        + "; end the agent when its sandboxes are done: kill " + agent.pid());
    }

    /** Tells whether another agent may be tried: nothing was started by the one that failed. */
    static boolean hasLeft(Status status) {
        return status.getCode() == Status.Code.UNAVAILABLE;
    }
}
