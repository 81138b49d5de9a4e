package org.barchan.host.lifecycle;

import java.util.List;
import java.util.stream.Collectors;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.KernelArgument;

/** What a guest's kernel is told at boot: the one place where it is written down. */
final class KernelCommandLine {
    /**
     * The first line is what security wants. The second is for a guest that is emulated on a busy host: it saves the self-tests of the
     * crypto code (four instructions in ten of the boot), the waits for quiescent states, and the check of the timer, which panics when
     * the emulator's clock does not get its turn in time.
     */
    private static final String COMMON = "console=ttyS0 panic=1 oops=panic random.trust_cpu=on"
            + " cryptomgr.notests rcupdate.rcu_expedited=1 no_timer_check";

    /**
     * What an emulator is slow at, for nothing. What keeps a CPU's speculation in check does nothing where there is none, and makes each
     * indirect call of the kernel a slow one: a seventh of the throughput of a stream. Clearing each page when it is handed out costs
     * a fifteenth of it. Taking the lock prefixes out of a kernel that has one CPU, write-protecting its text and looking through all
     * page tables for what is both writable and executable take a quarter of the boot, and to ask ACPI of a device how it is to be reset
     * and which interrupt line it could use another tenth. Nor has ACPI to tell of a device that was plugged in, by a program that is
     * interpreted in the emulator: the init looks for it when there is one. A guest's kernel holds nothing back from the guest in any case, and emulation promises no isolation.
     */
    private static final String EMULATED = " mitigations=off init_on_alloc=0 noreplace-smp rodata=off pci=noacpi"
            + " acpi_mask_gpe=0x01 noautogroup psi=0 tsc=nowatchdog lsm=landlock,yama sysctl.kernel.randomize_va_space=0";

    private KernelCommandLine() {}

    /**
     * Returns the command line.
     *
     * @param debug whether kernel and init write all their messages to the console
     * @param further behind all that is here, so that it counts
     */
    static String of(Accelerator accelerator, boolean debug, List<KernelArgument> further) {
        return COMMON
                + (accelerator == Accelerator.TCG ? EMULATED : "")
                + (debug ? " loglevel=7 barchan.debug=1" : " quiet")
                + further.stream().map(argument -> " " + argument.text()).collect(Collectors.joining());
    }
}
