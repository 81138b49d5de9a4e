package org.barchan.host.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.barchan.host.port.BootFiles.Feature;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.MachineSpec;
import org.barchan.host.port.Views;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.Disk;
import org.barchan.host.sandbox.DiskImage;
import org.barchan.host.sandbox.DiskImage.Format;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.Root;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.barchan.host.sandbox.SandboxSpec;
import org.barchan.host.sandbox.Transport;
import org.barchan.v1.Identity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of the images of a sandbox, before its guest sees them and when it has ended. */
@Timeout(60)
final class ImagesTest {
    private static final Access READ_ONLY = new Access.ReadOnly();
    private static final Access READ_WRITE = new Access.ReadWrite();

    private final FakeWorld world;
    private final Path image;
    private RecordingObserver observer = new RecordingObserver();

    ImagesTest(@TempDir Path directory) throws IOException {
        world = new FakeWorld(directory);
        world.modules.putAll(Map.of(
                Feature.BLOCK, List.of("virtio_blk.ko"),
                Feature.EXT4, List.of("jbd2.ko", "ext4.ko"),
                Feature.EROFS, List.of("erofs.ko")));
        image = Files.write(directory.resolve("image"), new byte[4096]);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''            | ''    | it is empty",
                "QFI\u00fb     | ''    | it looks like the format qcow2 (expected: raw",
                "KDMV          | ''    | it looks like the format vmdk",
                "conectix      | ''    | it looks like the format vpc",
                "anything      | QCOW2 | it is no qcow2 image of version 2 or 3",
                "QFI\u00fb     | QCOW2 | it is no qcow2 image of version 2 or 3",
            })
    void run_fileOfAnotherFormat_isRefused(String start, String format, String problem) throws Exception {
        Files.write(image, start.getBytes(StandardCharsets.ISO_8859_1));

        run(mount(READ_ONLY, format.isEmpty() ? Optional.empty() : Optional.of(Format.valueOf(format))));

        failsWith("mounting the image " + image + " on /there: " + problem);
    }

    @Test
    void run_qcow2ThatDependsOnMore_isRefused() throws Exception {
        for (Map.Entry<Integer, String> dependence : Map.of(
                        15, "it has a backing file", 35, "it is encrypted", 79, "its data lie in another file")
                .entrySet()) {
            observer = new RecordingObserver();
            byte[] header = qcow2();
            header[dependence.getKey()] = 4;
            Files.write(image, header);

            run(mount(READ_ONLY, Optional.of(Format.QCOW2)));

            failsWith(dependence.getValue());
            assertEquals(List.of(), world.leftovers());
        }
    }

    @Test
    void run_whatWasOrdered_decidesTheFormat() throws Exception {
        Files.write(image, qcow2());

        run(mount(READ_ONLY, Optional.of(Format.RAW)));
        observer.awaitStarted();
        observer = new RecordingObserver();
        run(mount(READ_ONLY, Optional.of(Format.QCOW2)));
        observer.awaitStarted();

        assertEquals(
                List.of(Format.RAW, Format.QCOW2),
                world.specs.stream()
                        .map(spec -> spec.disks().getFirst().format())
                        .toList());
    }

    @Test
    void run_kernelWithoutBlockDevices_isNamed() throws Exception {
        world.modules.remove(Feature.BLOCK);

        run(mount(READ_ONLY, Optional.empty()));

        failsWith("has no module virtio_blk");
    }

    @Test
    void run_directory_isNoImage() throws Exception {
        Files.delete(image);
        Files.createDirectory(image);

        run(mount(READ_ONLY, Optional.empty()));

        failsWith("it is a directory (expected: a regular file)");
    }

    @Test
    void run_disks_areTheUsers() throws Exception {
        DiskImage raw = new DiskImage(path(), Optional.empty());
        RunOrder order = FakeWorld.order(spec(
                new Root.Directory(new GuestPath(world.root().toString()), READ_ONLY, Optional.empty()),
                List.of(),
                List.of(new Disk("a", raw, false), new Disk("b", raw, true))));
        var _ = start(new RunOrder(
                order.sandbox(),
                order.process().toBuilder()
                        .setIdentity(Identity.newBuilder().setUid(1234).setGid(567))
                        .build(),
                order.timeout(),
                order.client(),
                false,
                false));

        GuestConfiguration configuration = configuration();
        assertEquals(
                List.of(
                        new GuestConfiguration.Disk("disk0", "a", 1234, 567, true),
                        new GuestConfiguration.Disk("disk1", "b", 1234, 567, false)),
                configuration.disks());
        assertEquals(Map.of(), configuration.fileSystems(), "nothing is mounted");
        assertTrue(configuration.kernelModules().contains("virtio_blk.ko"));
        assertEquals(
                List.of(true, false),
                world.specs.getFirst().disks().stream()
                        .map(MachineSpec.Disk::readOnly)
                        .toList());
        assertEquals(
                List.of(Views.User.LENT, Views.User.LENT),
                world.requests.getFirst().sources().stream()
                        .skip(1)
                        .map(Views.Source::user)
                        .toList());
    }

    @Test
    void run_rootImage_takesPlacesForMountsOnlyInMemory() throws Exception {
        DiskImage raw = new DiskImage(path(), Optional.empty());
        Mount other = mount(READ_ONLY, Optional.empty());

        var _ = start(FakeWorld.order(spec(new Root.Image(raw, READ_ONLY), List.of(other), List.of())));

        GuestConfiguration configuration = configuration();
        assertEquals(
                new GuestConfiguration.Root(new GuestConfiguration.Share("root", Transport.BLOCK, ""), READ_ONLY, true),
                configuration.root());
        assertEquals(
                Optional.of(new GuestConfiguration.Share("image1", Transport.BLOCK, "")),
                configuration.mounts().getLast().share());
        assertEquals(
                Map.of("ext4", List.of("jbd2.ko", "ext4.ko"), "erofs", List.of("erofs.ko")),
                configuration.fileSystems());
        assertEquals(List.of("overlay.ko", "virtio_blk.ko"), configuration.kernelModules());
        assertEquals(List.of(), world.specs.getFirst().shares());
    }

    @Test
    void run_overlayInAFile_isADiskThatNobodyKeeps() throws Exception {
        world.modules.put(Feature.EXT4, List.of("ext4.ko"));
        Root root = new Root.Directory(
                new GuestPath(world.root().toString()), new Access.Overlay(1 << 20, true), Optional.empty());
        var _ = start(FakeWorld.order(
                spec(root, List.of(mount(new Access.Overlay(0, true), Optional.empty())), List.of())));

        GuestConfiguration configuration = configuration();
        assertEquals("over-root", configuration.root().share().scratch());
        assertEquals(
                "over-image0",
                configuration.mounts().getLast().share().orElseThrow().scratch());
        assertEquals(
                List.of("image0 false", "over-root true", "over-image0 true"),
                world.specs.getFirst().disks().stream()
                        .map(disk -> disk.serial() + " " + disk.ephemeral())
                        .toList());
        assertEquals(
                List.of(Path.of("/scratch/1048576"), Path.of("/scratch/10737418240")),
                world.specs.getFirst().disks().stream()
                        .skip(1)
                        .map(MachineSpec.Disk::source)
                        .toList());
        assertTrue(
                world.open.stream().noneMatch(org.barchan.host.port.ScratchFiles.Scratch.class::isInstance),
                "QEMU has them open");
    }

    @Test
    void run_scratchThatCantBeMade_isNamedAndLeavesNothing() throws Exception {
        world.fail("scratch.make", Code.EXHAUSTED);
        Root root = new Root.Directory(
                new GuestPath(world.root().toString()), new Access.Overlay(0, true), Optional.empty());

        var _ = start(FakeWorld.order(spec(root, List.of(), List.of())));

        assertEquals(Code.EXHAUSTED, observer.failure().code());
        assertEquals(List.of(), world.leftovers());
    }

    @Test
    void end_imageThatIsWritten_isSettledFirst() throws Exception {
        run(mount(READ_WRITE, Optional.empty()));
        observer.awaitStarted();
        FakeGuest guest = world.started.getFirst().guest;
        guest.unwritten = List.of("\"write\": no space");

        guest.exit(3);

        assertEquals(3, observer.termination().getExitCode());
        assertTrue(
                observer.progress.contains(
                        "WARNING an image may lack what was written to it last: \"write\": no space"),
                () -> String.valueOf(observer.progress));
        assertTrue(guest.shutdownAsked.await(10, TimeUnit.SECONDS));
    }

    @Test
    void end_settlingThatFails_isNoFailureOfTheCommand() throws Exception {
        world.fail("guest.settle", Code.TIMEOUT);
        run(mount(READ_WRITE, Optional.empty()));
        observer.awaitStarted();

        world.started.getFirst().guest.exit(0);

        assertEquals(0, observer.termination().getExitCode());
        assertTrue(
                observer.progress.stream().anyMatch(line -> line.startsWith("WARNING an image may lack")),
                () -> String.valueOf(observer.progress));
    }

    @Test
    void end_imageThatIsOnlyRead_isNotSettled() throws Exception {
        world.fail("guest.settle", Code.TIMEOUT);
        run(mount(new Access.Overlay(0), Optional.empty()));
        observer.awaitStarted();

        world.started.getFirst().guest.exit(0);

        observer.termination();
        assertTrue(
                observer.progress.stream().noneMatch(line -> line.contains("image may lack")),
                () -> String.valueOf(observer.progress));
    }

    private static byte[] qcow2() {
        byte[] header = new byte[104];
        ByteBuffer.wrap(header)
                .put("QFI\u00fb".getBytes(StandardCharsets.ISO_8859_1))
                .putInt(3);
        return header;
    }

    private GuestPath path() {
        return new GuestPath(image.toString());
    }

    private Mount mount(Access access, Optional<Format> format) {
        return new Mount.Image(new GuestPath("/there"), new DiskImage(path(), format), access);
    }

    private void run(Mount mount) throws SandboxException {
        Root root = new Root.Directory(new GuestPath(world.root().toString()), READ_ONLY, Optional.empty());
        var _ = start(FakeWorld.order(spec(root, List.of(mount), List.of())));
    }

    private Run start(RunOrder order) throws SandboxException {
        Sandboxes sandboxes = world.sandboxes();
        sandboxes.reconcile();
        return sandboxes.run(order, observer);
    }

    private SandboxSpec spec(Root root, List<Mount> mounts, List<Disk> disks) {
        return FakeWorld.spec("box" + world.specs.size(), root, false, mounts, disks);
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
    }
}
