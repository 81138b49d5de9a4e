package org.barchan.host;

import java.util.List;
import org.barchan.host.adapter.console.SocketConsoles;
import org.barchan.host.adapter.linux.LinuxHost;
import org.barchan.host.config.AgentConfig;
import org.barchan.host.lifecycle.Hypervisors;
import org.barchan.host.lifecycle.Sandboxes;
import org.barchan.host.port.BootFiles;
import org.barchan.host.port.Guest;
import org.barchan.host.port.GuestLink;
import org.barchan.host.sandbox.SandboxException;

/** The adapters behind the ports: the one place that knows them all. */
record Adapters(Sandboxes.Ports ports, Hypervisors.Opener opener) implements AutoCloseable {
    static Adapters of(AgentConfig config, LinuxHost host) {
        BootFiles bootFiles = (choice, progress) -> {
            throw new SandboxException(SandboxException.Code.PRECONDITION, "no boot files yet");
        };
        GuestLink link = new GuestLink() {
            @Override
            public Guest open(org.barchan.host.sandbox.SandboxId id, java.nio.file.Path socket) {
                throw new UnsupportedOperationException("no link yet");
            }

            @Override
            public void close() {}
        };
        return new Adapters(new Sandboxes.Ports(bootFiles, link, new SocketConsoles(), host, List::of), uri -> {
            throw new SandboxException(SandboxException.Code.PRECONDITION, "no hypervisor yet: " + config.home());
        });
    }

    @Override
    public void close() {
        ports.link().close();
    }
}
