package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.barchan.host.port.BootFiles.Feature;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.MachineSpec.Share;
import org.barchan.host.port.Views;
import org.barchan.host.port.Views.Mask;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.Disk;
import org.barchan.host.sandbox.DiskImage;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.host.sandbox.Transport;
import org.barchan.v1.WorkingDirectoryPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of the mounts of a sandbox before its guest makes them. */
@Timeout(60)
final class MountsTest {
    private static final Access READ_ONLY = new Access.ReadOnly();

    private RecordingObserver observer = new RecordingObserver();
    private final FakeWorld world;
    private Path root;
    private Path source;
    private boolean exposed;
    private Optional<DiskImage> rootImage = Optional.empty();
    private List<Disk> disks = List.of();
    private Optional<Transport> transport = Optional.empty();

    MountsTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        root = world.root();
        source = Files.createDirectory(directory.resolve("source"));
        Files.createDirectory(world.root().resolve("there"));
    }

    @Test
    void run_sourceThatIsNoDirectory_namesBothPlaces() throws Exception {
        Path nothing = source.resolve("nothing");

        run(
                READ_ONLY,
                new Mount.HostDirectory(
                        new GuestPath("/there"), new GuestPath(nothing.toString()), READ_ONLY, transport));

        failsWith("mounting " + nothing + " on /there: it is not there");
    }

    @Test
    void run_rootThatIsAFile_isRefused() throws Exception {
        root = Files.createFile(source.resolve("file"));

        run(READ_ONLY);

        failsWith("it is not a directory. Name a directory with --root");
    }

    @Test
    void run_file_isNamedToTheGuest() throws Exception {
        source = Files.createFile(source.resolve("file"));

        run(READ_ONLY, bind("/there", READ_ONLY));

        assertEquals(
                "file", configuration().mounts().getLast().share().orElseThrow().file());
    }

    @Test
    void run_failureWithAViewOpen_closesIt() throws Exception {
        world.fail("bootFiles.prepare", Code.PRECONDITION);

        run(READ_ONLY, bind("/there", READ_ONLY));

        failsWith("injected");
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void run_hostRoot_isMaskedUnlessItIsExposed() throws Exception {
        root = Path.of("/");
        source = Path.of("/");

        run(READ_ONLY, bind("/srv", READ_ONLY));
        observer.awaitStarted();
        exposed = true;
        for (Mount[] mounts : new Mount[][] {{bind("/srv", READ_ONLY)}, {}}) {
            observer = new RecordingObserver();
            run(READ_ONLY, mounts);
            observer.awaitStarted();
        }

        assertEquals(2, world.requests.size(), "the whole host takes no view");
        for (Views.Source share : world.requests.getFirst().sources()) {
            assertTrue(share.masks().contains(new Mask.Hidden(Path.of("/etc/shadow"))), share::toString);
            assertTrue(share.masks().contains(new Mask.Hidden(Path.of("/srv/other"))), share::toString);
            assertTrue(share.masks().contains(new Mask.Hidden(world.directory.resolve("state"))), share::toString);
            assertTrue(
                    share.masks().contains(new Mask.Only(Path.of("/home"), Path.of("/home/caller"))), share::toString);
        }
        assertTrue(world.requests.getLast().sources().stream()
                .allMatch(share -> share.masks().isEmpty()));
    }

    @Test
    void run_agentOfRoot_sharesByVirtiofsWhatItCan() throws Exception {
        world.self = new HostUser(0, 0);

        run(READ_ONLY, bind("/there", new Access.Overlay(0)));

        assertEquals(Transport.VIRTIOFS, configuration().root().share().transport());
        assertEquals(
                List.of("cache=always,timeout=1", "cache=always"),
                world.requests.getFirst().sources().stream()
                        .map(share -> share.server().orElseThrow().options())
                        .toList());
        world.virtiofsd = Optional.empty();
        observer = new RecordingObserver();
        run(READ_ONLY);
        observer.awaitStarted();
        assertTrue(
                observer.progress.contains("VERBOSE sharing " + root + " by 9p: this host has no virtiofsd"),
                () -> String.valueOf(observer.progress));
    }

    @Test
    void run_kernelWithoutNinep_sharesByVirtiofs_thatOfAnotherServerToo() throws Exception {
        world.virtiofsd = Optional.of(Path.of("/usr/libexec/virtiofsd"));
        world.modules.remove(Feature.NINEP);

        run(READ_ONLY, bind("/there", READ_ONLY));

        GuestConfiguration configuration = configuration();
        assertEquals(Transport.VIRTIOFS, configuration.root().share().transport());
        assertEquals(List.of("fuse.ko", "virtiofs.ko"), configuration.kernelModules());
        Views.Source served = world.requests.getFirst().sources().getFirst();
        assertEquals("cache=auto", served.server().orElseThrow().options());
        assertEquals(Views.User.EMULATOR, served.user());
        assertEquals(
                List.of("root.socket", "mount1.socket"),
                world.specs.getFirst().shares().stream()
                        .map(share -> share.source().getFileName().toString())
                        .toList());
        assertTrue(
                observer.progress.contains(
                        "VERBOSE sharing " + root + " by virtiofs: the kernel 6.1.0-fake has no module 9p"),
                () -> String.valueOf(observer.progress));
    }

    @Test
    void run_kernelWithoutNinepAndHostWithoutVirtiofsd_saysWhatToDo() throws Exception {
        world.modules.remove(Feature.NINEP);
        world.virtiofsd = Optional.empty();

        run(READ_ONLY);

        failsWith("this host has no virtiofsd. Install it");
    }

    @Test
    void run_transportThatTheKernelLacks_isNamed() throws Exception {
        world.modules.remove(Feature.VIRTIOFS);
        transport = Optional.of(Transport.VIRTIOFS);

        run(READ_ONLY);

        failsWith("by virtiofs: the kernel 6.1.0-fake has no module virtiofs");
    }

    @Test
    void run_overlayByVirtiofsOfAnAgentThatIsNotRoot_isRefused() throws Exception {
        transport = Optional.of(Transport.VIRTIOFS);

        run(READ_ONLY, bind("/there", new Access.Overlay(0)));
        failsWith("mounting " + source + " on /there by virtiofs, under an overlay: an agent that is not root");
        observer = new RecordingObserver();
        run(READ_ONLY, bind("/missing", READ_ONLY));
        failsWith("as the root of a sandbox by virtiofs, under an overlay");
    }

    @Test
    void run_whatRootWrites_isSharedByVirtiofsWithRootsRights() throws Exception {
        world.self = new HostUser(0, 0);
        for (HostUser client : List.of(FakeWorld.CLIENT, new HostUser(0, 0))) {
            observer = new RecordingObserver();
            RunOrder order = FakeWorld.order(spec(READ_ONLY, bind("/there", new Access.ReadWrite())));
            run(new RunOrder(order.sandbox(), order.process(), order.timeout(), client, false, false));
            observer.awaitStarted();
        }

        assertEquals(
                Collections.nCopies(2, Optional.of("cache=always,timeout=1,announce_submounts")),
                world.requests.stream()
                        .map(request -> request.sources().getLast().server().map(Views.FileServer::options))
                        .toList());
        assertEquals(
                List.of(Views.User.EMULATOR, Views.User.CLIENT),
                world.requests.stream()
                        .map(request -> request.sources().getLast().user())
                        .toList());
        assertEquals(
                Views.User.EMULATOR,
                world.requests.getLast().sources().getFirst().user(),
                "the root");
    }

    @Test
    void run_whatIsNamed_isNotMasked() throws Exception {
        run(READ_ONLY, bind("/there", READ_ONLY));
        observer.awaitStarted();

        assertTrue(world.requests.getFirst().sources().stream()
                .allMatch(share -> share.masks().isEmpty()));
    }

    @Test
    void run_overlayWithAKernelThatHasNone_isRefused() throws Exception {
        world.modules.remove(Feature.OVERLAY);

        run(READ_ONLY, bind("/there", new Access.Overlay(0)));

        failsWith("has no module overlay");
    }

    @Test
    void run_missingTargetWithAKernelWithoutOverlays_saysWhatToDo() throws Exception {
        world.modules.remove(Feature.OVERLAY);

        run(READ_ONLY, bind("/missing", READ_ONLY));

        failsWith("make them on the host");
    }

    @Test
    void run_mountsThatNeedNoOverlay_loadNone() throws Exception {
        run(READ_ONLY, bind("/there", READ_ONLY), new Mount.Bind(new GuestPath("/there"), new GuestPath("/usr"), true));

        GuestConfiguration configuration = configuration();
        assertEquals(List.of("9p.ko"), configuration.kernelModules());
        assertEquals(
                new GuestConfiguration.Root(
                        new GuestConfiguration.Share("root", Transport.NINEP, ""), READ_ONLY, false),
                configuration.root());
        assertEquals(
                List.of("/tmp", "/var/tmp", "/run", "/there", "/there"),
                configuration.mounts().stream()
                        .map(placed -> placed.mount().target().toString())
                        .toList());
    }

    @Test
    void run_missingTarget_isMadeInALayerOfTheGuest() throws Exception {
        run(READ_ONLY, bind("/missing", READ_ONLY));

        GuestConfiguration configuration = configuration();
        assertTrue(configuration.root().lacksTargets());
        assertEquals(List.of("9p.ko", "overlay.ko"), configuration.kernelModules());
    }

    @Test
    void run_onlyWhatIsToBeWritten_isSharedWritable() throws Exception {
        run(
                new Access.Overlay(0),
                bind("/there", READ_ONLY),
                bind("/there", new Access.Overlay(1 << 20)),
                bind("/there", new Access.ReadWrite()));

        GuestConfiguration configuration = configuration();
        assertEquals(List.of("9p.ko", "overlay.ko"), configuration.kernelModules());
        List<Share> shares = world.specs.getFirst().shares();
        assertEquals(
                List.of(true, true, true, false),
                shares.stream().map(Share::readOnly).toList());
        assertEquals(
                shares.stream().skip(1).map(Share::tag).toList(),
                configuration.mounts().stream()
                        .flatMap(placed -> placed.share().stream())
                        .map(GuestConfiguration.Share::tag)
                        .toList());
    }

    @Test
    void run_workingDirectoryThatTheSandboxsOwnTmpCovers_isWarnedOf() throws Exception {
        runIn("/tmp/project");

        assertTrue(
                observer.progress.stream()
                        .anyMatch(line ->
                                line.startsWith("WARNING the working directory /tmp/project is not the host's")),
                () -> String.valueOf(observer.progress));
    }

    @Test
    void run_workingDirectoryThatQemuMayNotEnter_isWarnedOf() throws Exception {
        world.unenterableDirectory = Optional.of(world.root().resolve("there"));

        runIn("/there");

        assertTrue(
                observer.progress.stream()
                        .anyMatch(line -> line.startsWith("WARNING the command starts in /, as QEMU runs as user")),
                () -> String.valueOf(observer.progress));
    }

    @Test
    void run_workingDirectoryThatIsMounted_isNotWarnedOf() throws Exception {
        runIn("/tmp/project/below", bind("/tmp/project", READ_ONLY));
        runIn("/there");

        assertTrue(
                observer.progress.stream().noneMatch(line -> line.contains("working directory")),
                () -> String.valueOf(observer.progress));
    }

    private Mount bind(String target, Access access) {
        return new Mount.HostDirectory(new GuestPath(target), new GuestPath(source.toString()), access, transport);
    }

    private void run(Access rootAccess, Mount... mounts) throws SandboxException {
        run(FakeWorld.order(spec(rootAccess, mounts)));
    }

    private void runIn(String directory, Mount... mounts) throws Exception {
        RunOrder order = FakeWorld.order(spec(READ_ONLY, mounts));
        run(new RunOrder(
                order.sandbox(),
                order.process().toBuilder()
                        .setWorkingDirectory(FakeWorld.bytes(directory))
                        .setWorkingDirectoryPolicy(WorkingDirectoryPolicy.WORKING_DIRECTORY_POLICY_ROOT_IF_ABSENT)
                        .build(),
                order.timeout(),
                order.client(),
                false,
                false));
        observer.awaitStarted();
    }

    private void run(RunOrder order) throws SandboxException {
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        var _ = sandboxes.run(order, observer);
    }

    private SandboxSpec spec(Access rootAccess, Mount... mounts) {
        return FakeWorld.spec(
                "box" + world.specs.size(),
                rootImage.isPresent()
                        ? new Root.Image(rootImage.get(), rootAccess)
                        : new Root.Directory(new GuestPath(root.toString()), rootAccess, transport),
                exposed,
                List.of(mounts),
                disks);
    }

    private GuestConfiguration configuration() throws Exception {
        observer.awaitStarted();
        return world.started.getFirst().guest.configuration();
    }

    private void failsWith(String problem) throws Exception {
        assertEquals(Code.PRECONDITION, observer.failure().code());
        assertTrue(
                String.valueOf(observer.failure().getMessage()).contains(problem),
                observer.failure().getMessage());
        assertTrue(world.started.isEmpty());
    }
}
