package org.barchan.host.port;

import java.util.List;
import org.barchan.host.sandbox.KernelReport;
import org.barchan.host.sandbox.SandboxException;

/** Which kernels the host has. */
@FunctionalInterface
public interface KernelInventory {
    /**
     * Returns the kernels that a sandbox may be run with, the preferred one first.
     *
     * @throws SandboxException {@code PRECONDITION} when it can't be found out
     */
    List<KernelReport> kernels() throws SandboxException;
}
