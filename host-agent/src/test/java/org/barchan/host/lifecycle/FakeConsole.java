package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.function.Consumer;
import org.barchan.host.port.Console;

/** A console that says what the test wants. */
final class FakeConsole implements Console {
    volatile boolean panicked;
    private final FakeMachine machine;

    FakeConsole(FakeMachine machine) {
        this.machine = machine;
    }

    @Override
    public String tail(int lines) {
        return "the last console line";
    }

    @Override
    public boolean panicked() {
        return panicked;
    }

    @Override
    public void drain(Duration patience) {}

    @Override
    public void follow(Consumer<ByteString> listener) {
        listener.accept(FakeWorld.bytes("boot messages"));
    }

    @Override
    public void close() {
        machine.world().open.remove(this);
    }

    @Override
    public String toString() {
        return "console of " + machine.record().id();
    }
}
