package org.barchan.host.adapter.libvirt;

import java.nio.file.Path;
import java.util.List;
import org.barchan.host.port.Machine;
import org.barchan.host.port.MachineRecord;
import org.barchan.host.port.MachineSpec;

/** An agent of one act, for tests that kill it: tells on stdout what it has done, a line each. */
final class AgentProcess {
    private AgentProcess() {}

    /**
     * Does one of two things.
     *
     * @param arguments {@code start STATE RUNTIME KERNEL}: starts a machine and stays; {@code adopt STATE}: destroys all that run
     */
    public static void main(String[] arguments) throws Exception {
        try (LibvirtDriver driver = LibvirtDriver.open("qemu:///embed", Path.of(arguments[1]))) {
            if (arguments[0].equals("start")) {
                MachineRecord record = Specs.record(Path.of(arguments[2]));
                MachineSpec spec = Specs.spec(record, Path.of(arguments[3]), Path.of(arguments[3]), List.of());
                System.out.println(driver.start(spec).record());
                System.in.readAllBytes();
            } else {
                for (Machine machine : driver.running()) {
                    System.out.println(machine.record());
                    machine.destroy();
                    System.out.println(machine.ended().toCompletableFuture().join());
                }
                System.out.println(driver.running());
            }
        }
    }
}
