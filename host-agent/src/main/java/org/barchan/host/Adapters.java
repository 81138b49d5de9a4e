package org.barchan.host;

import org.barchan.host.adapter.boot.CachedBootFiles;
import org.barchan.host.adapter.boot.KernelReport;
import org.barchan.host.adapter.console.SocketConsoles;
import org.barchan.host.adapter.libvirt.LibvirtDriver;
import org.barchan.host.adapter.link.NettyGuestLink;
import org.barchan.host.adapter.linux.LinuxHost;
import org.barchan.host.config.AgentConfig;
import org.barchan.host.lifecycle.Hypervisors;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.port.KernelInventory;

/** The adapters behind the ports: the one place that knows them all. */
record Adapters(Sandboxes.Ports ports, Hypervisors.Opener opener) implements AutoCloseable {
    static Adapters of(AgentConfig config, LinuxHost host) {
        CachedBootFiles bootFiles = new CachedBootFiles(config.stateDirectory(), config.guestTree());
        KernelInventory kernels =
                () -> bootFiles.kernels().stream().map(Adapters::finding).toList();
        return new Adapters(
                new Sandboxes.Ports(bootFiles, new NettyGuestLink(), new SocketConsoles(), host, kernels),
                uri -> LibvirtDriver.open(uri, config.stateDirectory()));
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
