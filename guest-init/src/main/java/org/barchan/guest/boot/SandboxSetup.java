package org.barchan.guest.boot;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.barchan.guest.process.ProcessTable;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.SmallFile;
import org.barchan.guest.v1.ConfigureRequest;
import org.barchan.guest.v1.ConfigureResponse;
import org.barchan.guest.v1.FileSystemModules;
import org.barchan.guest.v1.GuestDisk;
import org.barchan.guest.v1.GuestMount;
import org.barchan.guest.v1.PersonalizeRequest;
import org.barchan.guest.v1.ReadChangesResponse;
import org.barchan.guest.v1.RootMount;
import org.barchan.guest.v1.SettleResponse;
import org.barchan.guest.v1.StepOutcome;
import org.barchan.guest.v1.StepResult;
import org.jspecify.annotations.Nullable;

/** Makes the sandbox as the agent wants it, step by step, up to the first that fails; and ends it. Owned by one thread at a time. */
public final class SandboxSetup {
    private static final String ROOT = "/newroot";

    private final ProcessTable processes;
    private final BlockDevices disks = new BlockDevices();
    private final List<GuestDisk> writableDisks = new ArrayList<>();
    private List<SandboxMounts.Written> images = List.of();
    private volatile List<OverlayChanges.Layer> overlays = List.of();
    private String remark = "";
    private @Nullable SandboxInit init;
    private boolean prepared;

    /** Does nothing yet. */
    public SandboxSetup(ProcessTable processes) {
        this.processes = processes;
    }

    /**
     * Does what any sandbox needs and what can be done before it is known, so that guests that go on from this one need not.
     *
     * @param kernelModules as for {@link Modules#load}
     */
    public void prepare(List<String> kernelModules) throws Errno, IOException {
        Modules.load(kernelModules);
        Linux.loopbackUp();
        startedInit().awaitStaged();
        processes.prepare();
        // What was thrown away is used again: who takes fresh memory from the kernel waits for it.
        System.gc();
        prepared = true;
    }

    /** Does all steps; the last of the report is the one that failed, if one did. */
    public ConfigureResponse perform(ConfigureRequest request) {
        SandboxMounts mounts = new SandboxMounts(ROOT, disks, modules(request), text -> remark = text);
        Report report = new Report();
        PersonalizeRequest own = PersonalizeRequest.newBuilder()
                .setHostname(request.getHostname())
                .setEntropy(request.getEntropy())
                .setWallClock(request.getWallClock())
                .build();
        report.step("set the host name, the clock and random numbers", () -> personalize(own));
        if (!prepared) {
            report.step("bring lo up", Linux::loopbackUp);
        }
        if (request.getFindDevices()) {
            report.step("find devices", () -> setIfThere("/sys/bus/pci/rescan", "1"));
        }
        report.step(
                "load kernel modules " + String.join(" ", request.getKernelModulesList()),
                () -> Modules.load(request.getKernelModulesList()));
        report.step("mount the root", () -> mounts.root(request.getRoot()));
        if (request.getRoot().getSourceCase() != RootMount.SourceCase.IMAGE_SERIAL) {
            report.step("give it a machine id", mounts::machineId);
        }
        for (GuestMount mount : request.getMountsList()) {
            report.step("mount on " + mount.getTarget().toStringUtf8(), () -> mounts.mount(mount));
        }
        report.step("seal the root", mounts::seal);
        report.step("start the sandbox's own init", () -> enter(request.getDisksList()));
        report.step("harden the kernel", SandboxSetup::harden);
        images = mounts.written();
        overlays = List.copyOf(mounts.overlays());
        request.getDisksList().stream().filter(disk -> !disk.getReadOnly()).forEach(writableDisks::add);
        return ConfigureResponse.newBuilder().addAllSteps(report.steps).build();
    }

    /** Makes a guest differ from all others. */
    public void personalize(PersonalizeRequest own) throws Errno {
        Linux.addEntropy(own.getEntropy().toByteArray());
        Timestamp clock = own.getWallClock();
        Linux.setClock(clock.getSeconds(), clock.getNanos());
        Linux.setHostname(own.getHostname());
    }

    private static Map<String, List<String>> modules(ConfigureRequest request) {
        return request.getFileSystemsList().stream()
                .collect(Collectors.toMap(FileSystemModules::getType, FileSystemModules::getKernelModulesList));
    }

    /** Ends all processes and writes out what images are to have. One that fails keeps no other from it. */
    public SettleResponse settle() throws Errno, IOException {
        processes.endAll();
        SettleResponse.Builder response = SettleResponse.newBuilder();
        for (SandboxMounts.Written image : images) {
            response.addSteps(perform("write to the image on " + image.target(), image::settle));
        }
        for (GuestDisk disk : writableDisks) {
            response.addSteps(perform(
                    "write to the disk " + disk.getTag(),
                    () -> Linux.syncFile(disks.find(disk.getSerial()).path())));
        }
        return response.build();
    }

    /** Reads what was written to overlays; for any thread. */
    public void readChanges(boolean content, Consumer<ReadChangesResponse> taker) throws Errno {
        for (OverlayChanges.Layer layer : overlays) {
            OverlayChanges.read(layer, content, taker);
        }
    }

    private interface Action {
        void perform() throws Errno, IOException;
    }

    /** Steps of which each needs those before it. */
    private final class Report {
        private final List<StepResult> steps = new ArrayList<>();
        private boolean failed;

        void step(String name, Action action) {
            if (!failed) {
                StepResult result = SandboxSetup.this.perform(name, action);
                failed = result.getOutcome() == StepOutcome.STEP_OUTCOME_FAILED;
                steps.add(result);
            }
        }
    }

    private StepResult perform(String name, Action action) {
        long start = Linux.uptimeMicros();
        remark = "";
        StepResult.Builder result = StepResult.newBuilder().setStep(name).setOutcome(StepOutcome.STEP_OUTCOME_DONE);
        try {
            action.perform();
            result.setMessage(remark);
        } catch (SandboxMounts.LeftOutException e) {
            result.setOutcome(StepOutcome.STEP_OUTCOME_SKIPPED).setMessage(e.getMessage());
        } catch (Errno e) {
            result.setOutcome(StepOutcome.STEP_OUTCOME_FAILED)
                    .setErrno(e.number())
                    .setMessage(e.getMessage());
        } catch (IOException | RuntimeException e) {
            result.setOutcome(StepOutcome.STEP_OUTCOME_FAILED).setMessage(String.valueOf(e.getMessage()));
        }
        result.setMicros(Linux.uptimeMicros() - start);
        Console.debug(name + ": "
                + (result.getOutcome() == StepOutcome.STEP_OUTCOME_FAILED
                        ? result.getMessage()
                        : "done in " + result.getMicros() + " us"));
        return result.build();
    }

    /** What the sandbox's init is to make in /dev: see sandbox-init.c. */
    private List<String> deviceArguments(List<GuestDisk> wanted) throws Errno, IOException {
        List<String> arguments = new ArrayList<>();
        for (GuestDisk disk : wanted) {
            BlockDevices.Device device = disks.find(disk.getSerial());
            arguments.add(deviceArgument(disk, device, disk.getTag()));
            disks.partitions(device)
                    .forEach((number, partition) ->
                            arguments.add(deviceArgument(disk, partition, disk.getTag() + "-part" + number)));
        }
        return arguments;
    }

    private static String deviceArgument(GuestDisk disk, BlockDevices.Device device, String tag) {
        return String.join(
                " ",
                device.name(),
                device.number().replace(':', ' '),
                Integer.toUnsignedString(disk.getUid()),
                Integer.toUnsignedString(disk.getGid()),
                disk.getReadOnly() ? "400" : "600",
                tag);
    }

    private SandboxInit startedInit() throws Errno {
        SandboxInit started = init == null ? SandboxInit.start() : init;
        init = started;
        return started;
    }

    private void enter(List<GuestDisk> wanted) throws Errno, IOException {
        processes.enterNamespacesOf(startedInit().enter(ROOT, deviceArguments(wanted)));
    }

    /** From here on nothing gets into the kernel, and it tells no addresses. A kernel without such a switch does not need it. */
    private static void harden() throws Errno {
        setIfThere("/proc/sys/kernel/modules_disabled", "1");
        setIfThere("/proc/sys/kernel/kexec_load_disabled", "1");
        setIfThere("/proc/sys/kernel/kptr_restrict", "2");
        setIfThere("/proc/sys/kernel/sysrq", "0");
    }

    private static void setIfThere(String file, String value) throws Errno {
        try {
            SmallFile.write(file, value);
        } catch (Errno e) {
            if (e.number() != Errno.ENOENT) {
                throw e;
            }
        }
    }
}
