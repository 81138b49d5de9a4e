package org.barchan.host.adapter.libvirt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;

/** Machines to start, for tests. */
final class Specs {
    static final HostUser NOBODY = new HostUser(65534, 65534);

    private Specs() {}

    static MachineRecord record(Path runtimeDirectory) {
        return record(SandboxId.random(), runtimeDirectory);
    }

    /** Returns a record whose runtime directory is made below another, under its id. */
    static MachineRecord recordBelow(Path parent) throws IOException {
        SandboxId id = SandboxId.random();
        return record(id, Files.createDirectory(parent.resolve(id.value())));
    }

    private static MachineRecord record(SandboxId id, Path runtimeDirectory) {
        return new MachineRecord(
                id,
                new SandboxName("test"),
                Instant.parse("2026-01-02T03:04:05.678901Z"),
                ClientLostPolicy.KEEP,
                Accelerator.TCG,
                "6.1.0-56-amd64",
                true,
                runtimeDirectory);
    }

    static MachineSpec spec(MachineRecord record, Path kernel, Path initrd, List<MachineSpec.Share> shares) {
        return new MachineSpec(
                record,
                MemorySize.ofMebibytes(256),
                1,
                kernel,
                initrd,
                "console=ttyS0 quiet panic=1",
                shares,
                List.of(),
                NOBODY,
                Optional.empty());
    }

    static MachineSpec spec(MachineRecord record) {
        return spec(record, Path.of("/boot/vmlinuz"), Path.of("/var/initrd"), List.of());
    }

    static String messageOf(Exception e) {
        return String.valueOf(e.getMessage());
    }
}
