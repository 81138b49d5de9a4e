package org.barchan.host;

import org.barchan.host.adapter.boot.CachedBootFiles;
import org.barchan.host.adapter.boot.KernelReport;
import org.barchan.host.adapter.console.SocketConsoles;
import org.barchan.host.adapter.linux.LinuxHost;
import org.barchan.host.config.AgentConfig;
import org.barchan.host.lifecycle.Hypervisors;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestLink;
import org.barchan.host.port.KernelInventory;
import org.barchan.host.sandbox.SandboxException;

/** The adapters behind the ports: the one place that knows them all. */
record Adapters(Sandboxes.Ports ports, Hypervisors.Opener opener) implements AutoCloseable {
    static Adapters of(AgentConfig config, LinuxHost host) {
        CachedBootFiles bootFiles = new CachedBootFiles(config.stateDirectory(), config.guestTree());
        KernelInventory kernels =
                () -> bootFiles.kernels().stream().map(Adapters::finding).toList();
        GuestLink link = new GuestLink() {
            @Override
            public Guest open(org.barchan.host.sandbox.SandboxId id, java.nio.file.Path socket) {
                throw new UnsupportedOperationException("no link yet");
            }

            @Override
            public void close() {}
        };
        return new Adapters(new Sandboxes.Ports(bootFiles, link, new SocketConsoles(), host, kernels), uri -> {
            throw new SandboxException(SandboxException.Code.PRECONDITION, "no hypervisor yet");
        });
    }

    private static KernelInventory.Finding finding(KernelReport report) {
        return new KernelInventory.Finding(
                report.release(),
                report.usable(),
                report.problem().orElse(report.image().toString()));
    }

    @Override
    public void close() {
        ports.link().close();
    }
}
