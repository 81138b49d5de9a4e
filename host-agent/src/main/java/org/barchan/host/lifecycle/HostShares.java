package org.barchan.host.lifecycle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.barchan.host.lifecycle.HostImages.Attached;
import org.barchan.host.port.Host;
import org.barchan.host.port.Views;
import org.barchan.host.port.Views.FileServer;
import org.barchan.host.port.Views.Mask;
import org.barchan.host.port.Views.Source;
import org.barchan.host.port.Views.User;
import org.barchan.host.port.Views.View;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.host.sandbox.Transport;

/** What sandboxes see of the host's file systems: opens it, and covers what is secret. Safe for use by many threads. */
final class HostShares {
    /** The tag of the root. */
    static final String ROOT = "root";

    /**
     * Of what the host may change, a guest asks again after a second. That a file has changed shows by its time then, so that its content
     * is kept: else each program would be read anew whenever it is executed.
     */
    private static final String CHANGING = "cache=always,timeout=1";

    /** The same of a server that knows no time-out but its own, a second: it has the content read again each time that a file is opened. */
    private static final String CHANGING_WITHOUT_TIMEOUT = "cache=auto";

    /** Where the server is that came with QEMU up to 7.2, and takes a time-out. */
    private static final Path QEMU = Path.of("/usr/lib/qemu");

    /** What is mounted in it is to have numbers of devices of its own, as on the host. The root may get a layer over it for mount points, and overlays take nothing that is mounted in it. */
    private static final String SUBMOUNTS = ",announce_submounts";

    /** What lies below an overlay must not change. */
    private static final String OVERLAID_SERVER_OPTIONS = "cache=always";

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
     * Opens what a sandbox has of the host.
     *
     * @throws SandboxException {@code PRECONDITION} when a source does not do: which, why, what to do
     */
    View open(SandboxSpec spec, List<Shared> shares, List<Attached> images, HostUser client, HostUser runAs)
            throws SandboxException {
        if (spec.exposeHostRoot()
                && images.isEmpty()
                && shares.size() == 1
                && shares.getFirst().tag().equals(ROOT)
                && isHostRoot(shares.getFirst().path())
                && shares.getFirst().transport() == Transport.NINEP) {
            return new HostRoot();
        }
        List<Mask> masks = spec.exposeHostRoot() ? List.of() : secretsOf(client);
        List<Source> sources = new ArrayList<>();
        shares.forEach(share -> sources.add(source(share, client, masks)));
        images.forEach(image -> sources.add(source(image)));
        return views.open(new Views.Request(client, runAs, sources));
    }

    /**
     * Returns what is another when a sandbox of today would see something else: a root that was replaced or that others may enter now, secrets
     * that have come or were replaced, file systems that were mounted.
     */
    String fingerprint(SandboxSpec spec, HostUser client) throws SandboxException {
        List<String> facts = new ArrayList<>();
        try {
            facts.add(Files.readString(Path.of("/proc/self/mountinfo")));
        } catch (IOException e) {
            throw new SandboxException(SandboxException.Code.INTERNAL, "reading what is mounted: " + e, e);
        }
        if (spec.root() instanceof Root.Directory root) {
            Path path = Path.of(root.path().toString());
            facts.add(identity(path));
            for (Path at = path; at != null && !root.isHostRoot(); at = at.getParent()) {
                facts.add(attribute(at, "unix:ctime"));
            }
        }
        if (!spec.exposeHostRoot()) {
            for (Mask mask : secretsOf(client)) {
                facts.add(identity(
                        switch (mask) {
                            case Mask.Hidden(Path path) -> path;
                            case Mask.Only(Path _, Path kept) -> kept;
                        }));
            }
        }
        return Fingerprint.of(facts.toArray(String[]::new));
    }

    /** Of a link and of what it leads to: a mask covers the latter. A number of a file is given to another one when it is gone. */
    private static String identity(Path path) {
        return path
                + attribute(path, "unix:dev,ino,creationTime", LinkOption.NOFOLLOW_LINKS)
                + attribute(path, "unix:dev,ino,creationTime");
    }

    private static String attribute(Path path, String names, LinkOption... options) {
        try {
            return new TreeMap<>(Files.readAttributes(path, names, options)).toString();
        } catch (IOException e) {
            return "none";
        }
    }

    private List<Mask> secretsOf(HostUser client) {
        return new HostSecrets(host.homeOf(client), host.homesOfOthers(client), own).masks();
    }

    /** A file that is named to be a disk is the client's to name: QEMU may read it though its user could not open it. */
    private static Source source(Attached image) {
        return new Source(
                image.serial(),
                image.action(),
                image.image().path(),
                image.writable(),
                User.LENT,
                Optional.empty(),
                List.of());
    }

    /** What is named, and is not the whole host, is meant to be seen as it is. */
    private Source source(Shared share, HostUser client, List<Mask> masks) {
        boolean writable = share.access() instanceof Access.ReadWrite;
        boolean served = share.transport() == Transport.VIRTIOFS;
        return new Source(
                share.tag(),
                share.action(),
                share.path(),
                writable,
                // Root's own rights are for what root has named to be written: whatever else a guest reads, it reads as
                // QEMU's user.
                served && writable && client.uid() == 0 ? User.CLIENT : User.EMULATOR,
                served ? Optional.of(server(share)) : Optional.empty(),
                isHostRoot(share.path()) ? masks : List.of());
    }

    private FileServer server(Shared share) {
        Path program = host.virtiofsd().orElseThrow();
        return new FileServer(program, serverOptions(program, share));
    }

    private static String serverOptions(Path server, Shared share) {
        if (share.access() instanceof Access.Overlay) {
            return OVERLAID_SERVER_OPTIONS;
        }
        String changing = server.startsWith(QEMU) ? CHANGING : CHANGING_WITHOUT_TIMEOUT;
        return share.tag().equals(ROOT) ? changing : changing + SUBMOUNTS;
    }

    private static boolean isHostRoot(GuestPath path) {
        return path.equals(Root.HOST_ROOT);
    }

    /**
     * A directory or file of the host to share.
     *
     * @param action for messages
     */
    record Shared(String tag, String action, GuestPath path, Access access, Transport transport) {}

    /** The host's root as it is, which takes no namespace: for hosts that don't allow one. */
    private record HostRoot() implements View {
        @Override
        public Path path(String tag) {
            return Path.of("/");
        }

        @Override
        public Path socket(String tag) {
            throw new IllegalArgumentException("no server of " + tag);
        }

        @Override
        public String file(String tag) {
            return "";
        }

        @Override
        public void close() {}
    }
}
