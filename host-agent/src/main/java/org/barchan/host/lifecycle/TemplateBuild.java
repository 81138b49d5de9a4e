package org.barchan.host.lifecycle;

import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.HypervisorDriver;
import org.barchan.host.sandbox.Accelerator;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxSpec;

/** The making of a template that somebody waits for. For one use. */
public final class TemplateBuild {
    private final Sandboxes.Ports ports;
    private final SandboxMaker.DriverSource drivers;
    private final Accelerators accelerators;
    private final SandboxMaker.BootDeadlines deadlines;
    private final Templates templates;
    private final SandboxSpec spec;
    private final HostUser client;
    private final Progress progress;
    private final Templates.Making making = new Templates.Making();

    /**
     * @param spec the sandboxes that are to go on from it
     * @param client who makes these
     */
    TemplateBuild(
            Sandboxes.Ports ports,
            SandboxMaker.DriverSource drivers,
            Accelerators accelerators,
            SandboxMaker.BootDeadlines deadlines,
            Templates templates,
            SandboxSpec spec,
            HostUser client,
            Progress progress) {
        this.ports = ports;
        this.drivers = drivers;
        this.accelerators = accelerators;
        this.deadlines = deadlines;
        this.templates = templates;
        this.spec = spec;
        this.client = client;
        this.progress = progress;
    }

    /**
     * Makes it, unless there is one. If this throws, nothing is left of it.
     *
     * @throws SandboxException {@code INVALID} when such sandboxes have no templates, {@code PRECONDITION} when none has; as a run that boots
     * @throws InterruptedException when it was cancelled, or the agent is stopping
     */
    public Result make() throws SandboxException, InterruptedException {
        templates.check(spec);
        HostUser runAs = ports.host().emulatorUser(client);
        HypervisorDriver driver = drivers.driver(spec.libvirtUri());
        BootFileSet files = ports.bootFiles()
                .prepare(
                        spec.kernel(),
                        spec.hasImages(),
                        message -> progress.progress(RunObserver.Level.INFO, Printable.line(message)));
        Accelerator accelerator = accelerator(new Accelerators.Guest(files, driver, runAs, spec.libvirtUri()));
        GuestBoot.Plan plan = GuestBoot.Plan.bare(
                "template",
                accelerator,
                files,
                spec.memory(),
                spec.vcpus(),
                spec.kernelArguments(),
                runAs,
                spec.libvirtUri(),
                deadlines.of(accelerator));
        return templates.make(plan, driver, making, progress);
    }

    private Accelerator accelerator(Accelerators.Guest guest) throws SandboxException, InterruptedException {
        making.signal().arm();
        try {
            return accelerators.resolve(spec.accelerator(), guest, progress);
        } finally {
            making.signal().disarm();
        }
    }

    /** Ends it; returns at once. May be called by any thread, and at any time. */
    public void cancel() {
        making.stop(StopReason.DELETED);
    }

    /**
     * What came of it.
     *
     * @param made whether it was made now: else it was there
     */
    public record Result(Template template, boolean made) {}
}
