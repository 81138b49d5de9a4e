package org.barchan.host;

import org.barchan.host.adapter.archive.TarArchives;
import org.barchan.host.adapter.archive.TarTrees;
import org.barchan.host.adapter.boot.CachedBootFiles;
import org.barchan.host.adapter.console.SocketConsoles;
import org.barchan.host.adapter.libvirt.LibvirtDriver;
import org.barchan.host.adapter.link.NettyGuestLink;
import org.barchan.host.adapter.linux.Ext4Scratch;
import org.barchan.host.adapter.linux.LinuxHost;
import org.barchan.host.adapter.linux.ViewHelper;
import org.barchan.host.config.AgentConfig;
import org.barchan.host.lifecycle.Hypervisors;
import org.barchan.host.lifecycle.Sandboxes;

/** The adapters behind the ports: the one place that knows them all. */
record Adapters(Sandboxes.Ports ports, Hypervisors.Opener opener) implements AutoCloseable {
    static Adapters of(AgentConfig config, LinuxHost host) {
        CachedBootFiles bootFiles = new CachedBootFiles(config.stateDirectory(), config.guestTree());
        return new Adapters(
                new Sandboxes.Ports(
                        bootFiles,
                        new NettyGuestLink(),
                        new SocketConsoles(),
                        host,
                        bootFiles::kernels,
                        new ViewHelper(config.viewProgram()),
                        new TarArchives(),
                        new TarTrees(),
                        new Ext4Scratch(config.stateDirectory())),
                uri -> LibvirtDriver.open(uri, config.stateDirectory()));
    }

    @Override
    public void close() {
        ports.link().close();
    }
}
