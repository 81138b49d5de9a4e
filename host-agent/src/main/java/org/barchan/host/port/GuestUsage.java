package org.barchan.host.port;

import java.util.List;
import org.barchan.v1.GuestStats;
import org.barchan.v1.ProcessTableEntry;

/**
 * What a guest says that its sandbox takes, each value in its bounds.
 *
 * @param processes those with the lowest numbers, in their order
 */
public record GuestUsage(GuestStats stats, List<ProcessTableEntry> processes) {
    public GuestUsage {
        processes = List.copyOf(processes);
    }
}
