package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineEnd;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.port.MachineUsage;
import org.barchan.host.sandbox.SandboxException;

/** A machine with a guest that answers. */
final class FakeMachine implements Machine {
    volatile boolean paused;
    final FakeConsole console = new FakeConsole(this);
    final FakeGuest guest;
    volatile boolean destroyed;
    private final FakeWorld world;
    private final MachineRecord record;
    private final CompletableFuture<MachineEnd> ended = new CompletableFuture<>();

    FakeMachine(FakeWorld world, MachineRecord record) {
        this.world = world;
        this.record = record;
        this.guest = new FakeGuest(world, this);
    }

    @Override
    public MachineRecord record() {
        return record;
    }

    @Override
    public CompletionStage<MachineEnd> ended() {
        return ended;
    }

    @Override
    public void restore() throws SandboxException {
        world.step("machine.restore");
        Path saved = world.specs.stream()
                .filter(spec -> spec.record().equals(record))
                .findFirst()
                .flatMap(MachineSpec::saved)
                .orElseThrow();
        if (!Files.exists(saved)) {
            throw new SandboxException(SandboxException.Code.LOST, saved + " is not there");
        }
    }

    @Override
    public void save(Path file) throws SandboxException {
        world.step("machine.save");
        try {
            Files.writeString(file, "saved");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        end(MachineEnd.CRASHED);
    }

    @Override
    public void pause() throws SandboxException {
        world.step("machine.pause");
        paused = true;
    }

    @Override
    public void resume() {
        paused = false;
    }

    @Override
    public boolean isPaused() {
        return paused;
    }

    @Override
    public MachineUsage usage() throws SandboxException {
        world.step("machine.usage");
        return new MachineUsage(Duration.ofMillis(1500), 4096);
    }

    @Override
    public void destroy() throws SandboxException {
        world.step("machine.destroy");
        destroyed = true;
        end(MachineEnd.DESTROYED);
    }

    /** It ends, as by the guest's or the world's doing. */
    void end(MachineEnd how) {
        world.machines.remove(record.id(), this);
        guest.die();
        ended.complete(how);
    }

    @Override
    public String log() {
        return "qemu said this";
    }

    FakeWorld world() {
        return world;
    }
}
