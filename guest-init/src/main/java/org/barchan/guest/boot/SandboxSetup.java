package org.barchan.guest.boot;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.barchan.guest.process.ProcessTable;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.v1.ConfigureRequest;
import org.barchan.guest.v1.ConfigureResponse;
import org.barchan.guest.v1.GuestMount;
import org.barchan.guest.v1.StepOutcome;
import org.barchan.guest.v1.StepResult;

/** Makes the sandbox as the agent wants it, step by step, up to the first that fails. */
public final class SandboxSetup {
    private static final String ROOT = "/newroot";

    private final ProcessTable processes;
    private final ConfigureResponse.Builder report = ConfigureResponse.newBuilder();
    private boolean failed;

    private SandboxSetup(ProcessTable processes) {
        this.processes = processes;
    }

    /** Does all steps; the last of the report is the one that failed, if one did. */
    public static ConfigureResponse perform(ConfigureRequest request, ProcessTable processes) {
        SandboxSetup setup = new SandboxSetup(processes);
        SandboxMounts mounts = new SandboxMounts(ROOT);
        setup.step("add entropy", () -> Linux.addEntropy(request.getEntropy().toByteArray()));
        Timestamp clock = request.getWallClock();
        setup.step("set the clock", () -> Linux.setClock(clock.getSeconds(), clock.getNanos()));
        setup.step("set the host name", () -> Linux.setHostname(request.getHostname()));
        setup.step("bring lo up", Linux::loopbackUp);
        setup.step(
                "load kernel modules " + String.join(" ", request.getKernelModulesList()),
                () -> Modules.load(request.getKernelModulesList()));
        setup.step("mount the root", () -> mounts.root(request.getRoot()));
        for (GuestMount mount : request.getMountsList()) {
            setup.step("mount on " + mount.getTarget().toStringUtf8(), () -> mounts.mount(mount));
        }
        setup.step("seal the root", mounts::seal);
        setup.step("start the sandbox's own init", setup::startSandboxInit);
        setup.step("harden the kernel", SandboxSetup::harden);
        return setup.report.build();
    }

    private interface Action {
        void perform() throws Errno, IOException;
    }

    private void step(String name, Action action) {
        if (failed) {
            return;
        }
        long start = Linux.uptimeMicros();
        StepResult.Builder result = StepResult.newBuilder().setStep(name).setOutcome(StepOutcome.STEP_OUTCOME_DONE);
        try {
            action.perform();
        } catch (SandboxMounts.LeftOutException e) {
            result.setOutcome(StepOutcome.STEP_OUTCOME_SKIPPED).setMessage(e.getMessage());
        } catch (Errno e) {
            result.setOutcome(StepOutcome.STEP_OUTCOME_FAILED)
                    .setErrno(e.number())
                    .setMessage(e.getMessage());
        } catch (IOException | RuntimeException e) {
            result.setOutcome(StepOutcome.STEP_OUTCOME_FAILED).setMessage(String.valueOf(e.getMessage()));
        }
        failed = result.getOutcome() == StepOutcome.STEP_OUTCOME_FAILED;
        report.addSteps(result.setMicros(Linux.uptimeMicros() - start));
        Console.debug(name + ": " + (failed ? result.getMessage() : "done in " + result.getMicros() + " us"));
    }

    private void startSandboxInit() throws Errno, IOException {
        int[] status = Linux.pipe(0);
        int pid;
        try {
            pid = Linux.spawnSandbox("/sandbox-init", ROOT, status[1]);
        } finally {
            Linux.close(status[1]);
        }
        byte[] line = new byte[4096];
        int n = Linux.read(status[0], line, 0, line.length);
        Linux.close(status[0]);
        String answer = n <= 0 ? "" : new String(line, 0, n, StandardCharsets.UTF_8).strip();
        if (!answer.equals("0 ready")) {
            int blank = answer.indexOf(' ');
            throw new IOException(
                    blank < 0
                            ? "sandbox-init ended without a word"
                            : answer.substring(blank + 1) + ": "
                                    + Errno.describe(Integer.parseInt(answer.substring(0, blank))));
        }
        processes.enterNamespacesOf(pid);
    }

    /** From here on nothing gets into the kernel, and it tells no addresses. A kernel without such a switch does not need it. */
    private static void harden() throws IOException {
        set("/proc/sys/kernel/modules_disabled", "1");
        set("/proc/sys/kernel/kexec_load_disabled", "1");
        set("/proc/sys/kernel/kptr_restrict", "2");
        set("/proc/sys/kernel/sysrq", "0");
    }

    private static void set(String file, String value) throws IOException {
        if (Files.exists(Path.of(file))) {
            Files.writeString(Path.of(file), value);
        }
    }
}
