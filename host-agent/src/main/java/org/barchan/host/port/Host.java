package org.barchan.host.port;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;

/** What the agent has to know of the machine that it runs on. Safe for use by many threads. */
public interface Host {
    /** Returns the user that this process is. */
    HostUser self();

    /** Returns the processor's architecture as {@code uname -m} prints it. */
    String architecture();

    /** Returns the boot id of the running kernel: another value means another boot. */
    String bootId();

    /** Returns the release of the running kernel. */
    String kernelRelease();

    /**
     * Returns the QEMU that a sandbox would be run by.
     *
     * @throws SandboxException {@code PRECONDITION} when there is none
     */
    Emulator emulator() throws SandboxException;

    /** Returns the virtiofsd of this host; empty where there is none. */
    Optional<Path> virtiofsd();

    /** Returns the user that QEMU is run as for a client. */
    HostUser emulatorUser(HostUser client);

    /** Returns a user's name, or its number where it has none. */
    String nameOf(HostUser user);

    /** Returns why a user can't use /dev/kvm; empty where it can be opened, which proves nothing yet. */
    Optional<String> kvmProblem(HostUser user);

    /** Whether a user may make a directory its working directory. */
    boolean mayEnter(Path directory, HostUser user);

    /** Returns the user's home directory; empty where it has none. */
    Optional<Path> homeOf(HostUser user);

    /** Returns the home directories of people and root, but for one user's. */
    List<Path> homesOfOthers(HostUser user);

    /** Returns how many file descriptors this process has, and may have. */
    Descriptors descriptors();

    /** @param limit how many may be open (RLIMIT_NOFILE) */
    record Descriptors(long open, long limit) {}

    /**
     * A QEMU.
     *
     * @param version as it prints it
     * @param modified when the file was last changed
     */
    record Emulator(Path binary, String version, Instant modified) {}
}
