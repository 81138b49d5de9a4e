package org.barchan.host.lifecycle;

import java.nio.file.Path;
import java.util.Optional;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.BootFiles.Feature;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.Transport;

/**
 * By what directories of the host can get into a guest.
 *
 * @param files what the guest boots from
 * @param virtiofsd the host's
 * @param asRoot whether the agent is root: only then virtiofsd may open files of others as overlays do (O_NOATIME)
 */
record Transports(BootFileSet files, Optional<Path> virtiofsd, boolean asRoot) {
    /**
     * Returns what a directory is shared by.
     *
     * @param action for messages
     * @param wanted empty: what does best
     * @param access what can be written
     * @throws SandboxException {@code PRECONDITION} when kernel or host lacks it
     */
    Choice choose(String action, Optional<Transport> wanted, Access access) throws SandboxException {
        if (wanted.isPresent()) {
            return check(action, access, new Choice(wanted.get(), "as ordered"));
        }
        if (!files.has(Feature.NINEP)) {
            return check(
                    action,
                    access,
                    new Choice(Transport.VIRTIOFS, "the kernel " + files.release() + " has no module 9p"));
        }
        if (!files.has(Feature.VIRTIOFS)) {
            return new Choice(Transport.NINEP, "the kernel " + files.release() + " has no module virtiofs");
        }
        if (virtiofsd.isEmpty()) {
            return new Choice(Transport.NINEP, "this host has no virtiofsd");
        }
        return asRoot
                ? new Choice(Transport.VIRTIOFS, "it is the faster one, and as programs expect it")
                : new Choice(
                        Transport.NINEP, "by virtiofs, an agent that is not root shows files of others as nobody's");
    }

    private Choice check(String action, Access access, Choice choice) throws SandboxException {
        Feature feature = feature(choice.transport());
        if (!files.has(feature)) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    action + " by " + choice.transport() + ": the kernel " + files.release() + " has no module "
                            + choice.transport() + ". Choose another kernel, or transport");
        }
        if (choice.transport() == Transport.VIRTIOFS && virtiofsd.isEmpty()) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    action + " by virtiofs (" + choice.reason()
                            + "): this host has no virtiofsd. Install it (apt-get install virtiofsd, or"
                            + " qemu-system-common before Debian 13), or choose a kernel with 9p");
        }
        if (access instanceof Access.Overlay) {
            checkOverlay(action, choice.transport());
        }
        return choice;
    }

    /**
     * Checks that a directory can be the lower layer of an overlay.
     *
     * @throws SandboxException {@code PRECONDITION} when it can't
     */
    void checkOverlay(String action, Transport transport) throws SandboxException {
        if (transport == Transport.VIRTIOFS && !asRoot) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    action + " by virtiofs, under an overlay: an agent that is not root has no virtiofsd that may open"
                            + " files of others in the way that overlays do. Use 9p, with a kernel that has it, or no overlay"
                            + " (the root needs one where it lacks a directory that is mounted on: make that on the host)");
        }
    }

    /**
     * Checks that the guest can have block devices.
     *
     * @throws SandboxException {@code PRECONDITION} when it can't
     */
    void checkBlock(String action) throws SandboxException {
        if (!files.has(Feature.BLOCK)) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    action + ": the kernel " + files.release() + " has no module virtio_blk. Choose another kernel");
        }
    }

    static Feature feature(Transport transport) {
        return switch (transport) {
            case NINEP -> Feature.NINEP;
            case VIRTIOFS -> Feature.VIRTIOFS;
            case BLOCK -> Feature.BLOCK;
        };
    }

    /** @param reason for people */
    record Choice(Transport transport, String reason) {}
}
