package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.barchan.v1.WatchStatsRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class StatsParserTest {
    private static WatchStatsRequest.Builder every(long seconds, int nanos) {
        return WatchStatsRequest.newBuilder()
                .setInterval(Duration.newBuilder().setSeconds(seconds).setNanos(nanos));
    }

    private static List<String> wrongFields(WatchStatsRequest.Builder request) throws Exception {
        StatusRuntimeException e =
                assertThrows(StatusRuntimeException.class, () -> StatsParser.interval(request.build()));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
        return Objects.requireNonNull(StatusProto.fromThrowable(e))
                .getDetails(0)
                .unpack(BadRequest.class)
                .getFieldViolationsList()
                .stream()
                .map(BadRequest.FieldViolation::getField)
                .toList();
    }

    @ParameterizedTest
    @CsvSource({
        "0,0",
        "0,99999999",
        "-1,0",
        "1,-1",
        "1,1000000000",
        "3600,1",
        "3601,0",
        "9223372036854775807,0",
        "-9223372036854775808,0"
    })
    void interval_outOfBounds_isNamed(long seconds, int nanos) throws Exception {
        assertEquals(List.of("interval"), wrongFields(every(seconds, nanos)));
    }

    @Test
    void allThatIsWrong_isNamed() throws Exception {
        assertEquals(
                List.of("sandboxes", "interval"),
                wrongFields(every(0, 0).addAllSandboxes(Collections.nCopies(1001, "box"))));
    }

    @Test
    void interval_inBounds_isTaken() {
        assertEquals(java.time.Duration.ofSeconds(1), StatsParser.interval(WatchStatsRequest.getDefaultInstance()));
        assertEquals(
                java.time.Duration.ofMillis(100),
                StatsParser.interval(every(0, 100_000_000).build()));
        assertEquals(
                java.time.Duration.ofHours(1),
                StatsParser.interval(every(3600, 0).build()));
    }
}
