package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.barchan.host.lifecycle.SandboxView;
import org.barchan.v1.LabelMatch;
import org.barchan.v1.ListSandboxesRequest;
import org.barchan.v1.SandboxFilter;
import org.barchan.v1.SandboxState;
import org.junit.jupiter.api.Test;

class SandboxFilterParserTest {
    @Test
    void bad_namesEachField() {
        StatusRuntimeException e = refused(SandboxFilter.newBuilder()
                .addLabels(LabelMatch.newBuilder().setKey("a"))
                .addLabels(LabelMatch.newBuilder().setKey("="))
                .addLabels(LabelMatch.newBuilder().setKey("a").setValue("\n"))
                .addNames("")
                .addNames("A\u001b")
                .addStates(SandboxState.SANDBOX_STATE_UNSPECIFIED)
                .addStatesValue(99)
                .build());
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
        String message = String.valueOf(e.getStatus().getDescription());
        for (String field : List.of(
                "filter.labels[1]",
                "filter.labels[2]",
                "filter.names[0]",
                "filter.names[1]",
                "filter.states[0]",
                "filter.states[1]")) {
            assertTrue(message.contains(field), message);
        }
        assertTrue(message.chars().noneMatch(Character::isISOControl), message);
    }

    @Test
    void tooMany_isRefused() {
        StatusRuntimeException e = refused(SandboxFilter.newBuilder()
                .addAllNames(Collections.nCopies(65, "a"))
                .addAllLabels(Collections.nCopies(
                        65, LabelMatch.newBuilder().setKey("a").build()))
                .build());
        String message = String.valueOf(e.getStatus().getDescription());
        assertTrue(message.contains("filter.labels: 65") && message.contains("filter.names: 65"), message);
    }

    @Test
    void good_isTaken() {
        org.barchan.host.lifecycle.SandboxFilter filter = new SandboxFilterParser()
                .parse(ListSandboxesRequest.newBuilder()
                        .setEnded(true)
                        .setFilter(SandboxFilter.newBuilder()
                                .addLabels(LabelMatch.newBuilder().setKey("a"))
                                .addLabels(LabelMatch.newBuilder().setKey("b").setValue(""))
                                .addNames("-1")
                                .addStates(SandboxState.SANDBOX_STATE_PAUSED))
                        .build());
        assertEquals(
                new org.barchan.host.lifecycle.SandboxFilter(
                        true,
                        List.of(
                                new org.barchan.host.lifecycle.SandboxFilter.Label("a", Optional.empty()),
                                new org.barchan.host.lifecycle.SandboxFilter.Label("b", Optional.of(""))),
                        List.of("-1"),
                        Set.of(SandboxView.Phase.PAUSED)),
                filter);
    }

    private static StatusRuntimeException refused(SandboxFilter filter) {
        return assertThrows(
                StatusRuntimeException.class,
                () -> new SandboxFilterParser()
                        .parse(ListSandboxesRequest.newBuilder()
                                .setFilter(filter)
                                .build()));
    }
}
