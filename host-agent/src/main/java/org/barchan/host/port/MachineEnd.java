package org.barchan.host.port;

/** How a virtual machine came to its end. */
public enum MachineEnd {
    /** The guest powered it off. */
    SHUTDOWN,
    /** It was destroyed on request. */
    DESTROYED,
    /** The guest panicked or the hypervisor's process died. */
    CRASHED
}
