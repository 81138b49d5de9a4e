package org.barchan.guest.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.v1.ReadStatsRequest;
import org.barchan.guest.v1.ReadStatsResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class StatsServiceTest {
    /** What a call was answered. */
    private static final class Answer implements StreamObserver<ReadStatsResponse> {
        final List<Object> seen = new ArrayList<>();

        @Override
        public void onNext(ReadStatsResponse response) {
            seen.add(response);
        }

        @Override
        public void onError(Throwable error) {
            seen.add(Status.fromThrowable(error).getCode());
        }

        @Override
        public void onCompleted() {
            seen.add("end");
        }
    }

    private static List<Object> ask(StatsServiceImplementation service, int processes) {
        Answer answer = new Answer();
        service.readStats(
                ReadStatsRequest.newBuilder().setMaxProcesses(processes).build(), answer);
        return answer.seen;
    }

    @Test
    void read_withoutASandbox_isRefused() {
        StatsServiceImplementation service = new StatsServiceImplementation(
                _ -> {
                    throw new AssertionError("nothing is read");
                },
                () -> false);
        assertEquals(List.of(Status.Code.FAILED_PRECONDITION), ask(service, 1));
    }

    @Test
    void read_thatFails_isSaidSo_andKeepsNobodyFromTheNext() {
        StatsServiceImplementation service = new StatsServiceImplementation(
                _ -> {
                    throw new Errno("read /proc/stat", 5);
                },
                () -> true);
        assertEquals(List.of(Status.Code.INTERNAL), ask(service, 1));
        assertEquals(List.of(Status.Code.INTERNAL), ask(service, 1));
    }

    @Test
    void read_moreThanAnInt_isAll() {
        List<Integer> asked = new ArrayList<>();
        StatsServiceImplementation service = new StatsServiceImplementation(
                most -> {
                    asked.add(most);
                    return ReadStatsResponse.getDefaultInstance();
                },
                () -> true);
        assertEquals(List.of(ReadStatsResponse.getDefaultInstance(), "end"), ask(service, -1));
        assertEquals(List.of(Integer.MAX_VALUE), asked);
    }

    @Test
    void read_whileAnotherTakesLong_isRefusedInTheEnd() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        StatsServiceImplementation service = new StatsServiceImplementation(
                _ -> {
                    begun.countDown();
                    try {
                        go.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    return ReadStatsResponse.getDefaultInstance();
                },
                () -> true);
        List<Object> first = new ArrayList<>();
        Thread reader = new Thread(() -> first.addAll(ask(service, 0)));
        reader.start();
        begun.await();

        assertEquals(List.of(Status.Code.RESOURCE_EXHAUSTED), ask(service, 0));

        go.countDown();
        reader.join();
        assertEquals(List.of(ReadStatsResponse.getDefaultInstance(), "end"), first);
    }
}
