package org.barchan.host.port;

import java.time.Duration;

/**
 * What a virtual machine takes of the host.
 *
 * @param cpu time of the host's CPUs that it has had
 * @param residentBytes its memory that is in the host's
 */
public record MachineUsage(Duration cpu, long residentBytes) {}
