package org.barchan.host.lifecycle;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.barchan.host.port.GuestConfiguration.Placed;
import org.barchan.host.port.Host;
import org.barchan.host.port.Views;
import org.barchan.host.port.Views.Mask;
import org.barchan.host.port.Views.Source;
import org.barchan.host.port.Views.View;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxSpec;

/** What sandboxes see of the host's file systems: opens it, and covers what is secret. Safe for use by many threads. */
final class HostShares {
    /** The tag of a sandbox's root. */
    static final String ROOT = "root";

    private final Host host;
    private final Views views;
    private final List<Path> own;

    /** @param own the agent's own directories, which are secret too */
    HostShares(Host host, Views views, List<Path> own) {
        this.host = host;
        this.views = views;
        this.own = List.copyOf(own);
    }

    Host host() {
        return host;
    }

    /**
     * Opens the root of a sandbox and what else it has of the host.
     *
     * @throws SandboxException {@code PRECONDITION} when a source does not do: which, why, what to do
     */
    View open(SandboxSpec spec, List<Placed> mounts, HostUser client, HostUser runAs) throws SandboxException {
        List<Mask> masks = spec.exposeHostRoot()
                ? List.of()
                : new HostSecrets(host.homeOf(client), host.homesOfOthers(client), own).masks();
        List<Source> sources = new ArrayList<>();
        sources.add(source(ROOT, "using " + spec.root() + " as the root of a sandbox", spec.root(), false, masks));
        for (Placed placed : mounts) {
            if (placed.mount() instanceof Mount.HostDirectory directory) {
                sources.add(source(
                        placed.tag(),
                        "mounting " + directory.source() + " on " + directory.target(),
                        directory.source(),
                        directory.access() instanceof Access.ReadWrite,
                        masks));
            }
        }
        return spec.exposeHostRoot() && sources.size() == 1 && isHostRoot(spec.root())
                ? new HostRoot()
                : views.open(new Views.Request(client, runAs, sources));
    }

    /** What is named, and is not the whole host, is meant to be seen as it is. */
    private static Source source(String tag, String action, GuestPath path, boolean writable, List<Mask> masks) {
        return new Source(tag, action, path, writable, isHostRoot(path) ? masks : List.of());
    }

    private static boolean isHostRoot(GuestPath path) {
        return path.equals(SandboxSpec.HOST_ROOT);
    }

    /** The host's root as it is, which takes no namespace: for hosts that don't allow one. */
    private record HostRoot() implements View {
        @Override
        public Path path(String tag) {
            return Path.of("/");
        }

        @Override
        public String file(String tag) {
            return "";
        }

        @Override
        public void close() {}
    }
}
