package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.DiskImage;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.Mount;
import org.barchan.host.sandbox.Root;
import org.barchan.v1.Disk;
import org.barchan.v1.HostPath;
import org.barchan.v1.ImageFormat;
import org.barchan.v1.MountMode;
import org.barchan.v1.SandboxPath;
import org.barchan.v1.SandboxSpec;
import org.barchan.v1.Tmpfs;
import org.junit.jupiter.api.Test;

final class MountParserTest {
    private static final String FIELD = "start.sandbox.mounts[0]";

    private final List<String> wrong = new ArrayList<>();
    private final MountParser parser = new MountParser((field, problem) -> wrong.add(field));

    @Test
    void mount_bad_namesTheField() {
        assertEquals(List.of(FIELD + ".target", FIELD + ".source"), wrongIn(mount("a")));
        assertEquals(List.of(FIELD + ".source"), wrongIn(mount("/a")));
        assertEquals(List.of(FIELD), wrongIn(tmpfs("/", Tmpfs.newBuilder())));
        assertEquals(List.of(FIELD), wrongIn(tmpfs("/proc/sys", Tmpfs.newBuilder())));
        assertEquals(List.of(FIELD), wrongIn(tmpfs("/dev/", Tmpfs.newBuilder())));
        assertEquals(List.of(FIELD), wrongIn(tmpfs("/a", Tmpfs.newBuilder().setMode(04755))));
        assertEquals(
                List.of(FIELD + ".tmpfs.size_bytes"),
                wrongIn(tmpfs("/a", Tmpfs.newBuilder().setSizeBytes(0))));
        assertEquals(
                List.of(FIELD + ".tmpfs.size_bytes"),
                wrongIn(tmpfs("/a", Tmpfs.newBuilder().setSizeBytes(-1))));
        assertEquals(
                List.of(FIELD + ".mode"),
                wrongIn(tmpfs("/a", Tmpfs.newBuilder()).setMode(MountMode.MOUNT_MODE_OVERLAY)));
        assertEquals(List.of(FIELD + ".mode"), wrongIn(directory("/a").setModeValue(99)));
        assertEquals(
                List.of(FIELD + ".host_path.transport"),
                wrongIn(mount("/a")
                        .setHostPath(
                                HostPath.newBuilder().setPath(bytes("/source")).setTransportValue(99))));
        assertEquals(List.of(FIELD + ".overlay_bytes"), wrongIn(directory("/a").setOverlayBytes(1 << 20)));
        assertEquals(
                List.of(FIELD + ".overlay_bytes"),
                wrongIn(directory("/a").setMode(MountMode.MOUNT_MODE_OVERLAY).setOverlayBytes(1)));
        assertEquals(
                List.of(FIELD + ".overlay_bytes"),
                wrongIn(directory("/a").setMode(MountMode.MOUNT_MODE_SCRATCH).setOverlayBytes(1 << 16)));
        assertEquals(
                List.of(FIELD + ".sandbox_path.path"),
                wrongIn(mount("/a").setSandboxPath(SandboxPath.newBuilder().setPath(bytes("/a/../b")))));
    }

    @Test
    void mounts_moreThanAMachineHas_areRefusedAtOnce() {
        SandboxSpec.Builder spec = SandboxSpec.newBuilder();
        for (int i = 0; i < 65; i++) {
            spec.addMounts(directory("/a" + i));
        }

        assertEquals(List.of(), parser.mounts(spec.build()));
        assertEquals(List.of("start.sandbox.mounts"), wrong);
    }

    @Test
    void root_directoryThatIsWritten_isRefused() {
        parser.root(SandboxSpec.newBuilder()
                .setRootMode(MountMode.MOUNT_MODE_READ_WRITE)
                .build());
        parser.root(SandboxSpec.newBuilder().setRootOverlayBytes(1 << 20).build());

        assertEquals(List.of("start.sandbox.root_mode", "start.sandbox.root_overlay_bytes"), wrong);
    }

    @Test
    void root_imageBesideOtherRoots_isRefused() {
        SandboxSpec spec = SandboxSpec.newBuilder()
                .setRootMode(MountMode.MOUNT_MODE_OVERLAY)
                .addMounts(image("/", "/i"))
                .addMounts(image("//", "/j"))
                .build();

        parser.root(spec);
        parser.mounts(spec);

        assertEquals(List.of(FIELD + ".target", "start.sandbox.mounts[1].target"), wrong);
    }

    @Test
    void root_image_isNoMount() {
        SandboxSpec spec = SandboxSpec.newBuilder()
                .addMounts(directory("/a"))
                .addMounts(image("/", "/i").setMode(MountMode.MOUNT_MODE_READ_WRITE))
                .build();

        assertEquals(new Root.Image(imageOf("/i", Optional.empty()), new Access.ReadWrite()), parser.root(spec));
        assertEquals(1, parser.mounts(spec).size());
        assertEquals(List.of(), wrong);
    }

    @Test
    void disks_bad_namesTheField() {
        String field = "start.sandbox.disks[0]";
        assertEquals(List.of(field + ".image.path"), wrongIn(disk("a", "i")));
        assertEquals(List.of(field + ".tag"), wrongIn(disk("", "/i")));
        assertEquals(List.of(field + ".tag"), wrongIn(disk("../a", "/i")));
        assertEquals(List.of(field + ".tag"), wrongIn(disk("a".repeat(65), "/i")));
        assertEquals(List.of(field + ".mode"), wrongIn(disk("a", "/i").setMode(MountMode.MOUNT_MODE_OVERLAY)));
        assertEquals(List.of(field + ".mode"), wrongIn(disk("a", "/i").setModeValue(99)));
        Disk.Builder unknown = disk("a", "/i");
        unknown.getImageBuilder().setFormatValue(99);
        assertEquals(List.of(field + ".image.format"), wrongIn(unknown));
        assertEquals(List.of("start.sandbox.disks[1].tag"), wrongIn(disk("a", "/i"), disk("a", "/j")));
        assertEquals(
                List.of("start.sandbox.disks"),
                wrongIn(Collections.nCopies(65, disk("a", "/i")).toArray(Disk.Builder[]::new)));
    }

    @Test
    void disks_good_areInTheirOrder() {
        Disk.Builder qcow2 = disk("b", "/i").setMode(MountMode.MOUNT_MODE_READ_WRITE);
        qcow2.getImageBuilder().setFormat(ImageFormat.IMAGE_FORMAT_QCOW2);

        assertEquals(
                List.of(
                        new org.barchan.host.sandbox.Disk("a", imageOf("/a/i", Optional.empty()), false),
                        new org.barchan.host.sandbox.Disk(
                                "b", imageOf("/i", Optional.of(DiskImage.Format.QCOW2)), true)),
                parser.disks(SandboxSpec.newBuilder()
                        .addDisks(disk("a", "/a/./i"))
                        .addDisks(qcow2)
                        .build()));
        assertEquals(List.of(), wrong);
    }

    private List<String> wrongIn(Disk.Builder... disks) {
        wrong.clear();
        SandboxSpec.Builder spec = SandboxSpec.newBuilder();
        List.of(disks).forEach(spec::addDisks);
        parser.disks(spec.build());
        return List.copyOf(wrong);
    }

    private static Disk.Builder disk(String tag, String path) {
        return Disk.newBuilder()
                .setTag(tag)
                .setImage(org.barchan.v1.DiskImage.newBuilder().setPath(bytes(path)));
    }

    private static org.barchan.v1.Mount.Builder image(String target, String path) {
        return mount(target).setImage(org.barchan.v1.DiskImage.newBuilder().setPath(bytes(path)));
    }

    private static DiskImage imageOf(String path, Optional<DiskImage.Format> format) {
        return new DiskImage(new GuestPath(path), format);
    }

    @Test
    void mounts_good_areInTheirOrder() {
        byte[] noText = {'/', (byte) 0xFF};
        SandboxSpec spec = SandboxSpec.newBuilder()
                .addMounts(directory("/a"))
                .addMounts(directory("/a").setMode(MountMode.MOUNT_MODE_READ_WRITE))
                .addMounts(directory("/a").setMode(MountMode.MOUNT_MODE_OVERLAY).setOverlayBytes(1 << 20))
                .addMounts(image("/a", "/i").setMode(MountMode.MOUNT_MODE_OVERLAY))
                .addMounts(tmpfs("/b", Tmpfs.newBuilder()))
                .addMounts(tmpfs("/b", Tmpfs.newBuilder().setSizeBytes(1 << 20).setMode(0700))
                        .setMode(MountMode.MOUNT_MODE_READ_ONLY))
                .addMounts(org.barchan.v1.Mount.newBuilder()
                        .setTarget(ByteString.copyFrom(noText))
                        .setSandboxPath(SandboxPath.newBuilder().setPath(bytes("/b"))))
                .build();

        GuestPath a = new GuestPath("/a");
        GuestPath b = new GuestPath("/b");
        GuestPath source = new GuestPath("/source");
        assertEquals(
                List.of(
                        new Mount.HostDirectory(a, source, new Access.ReadOnly(), Optional.empty()),
                        new Mount.HostDirectory(a, source, new Access.ReadWrite(), Optional.empty()),
                        new Mount.HostDirectory(a, source, new Access.Overlay(1 << 20), Optional.empty()),
                        new Mount.Image(a, imageOf("/i", Optional.empty()), new Access.Overlay(0)),
                        new Mount.Memory(b, 0, 01777, false),
                        new Mount.Memory(b, 1 << 20, 0700, true),
                        new Mount.Bind(GuestPath.of(noText), b, false)),
                parser.mounts(spec));
        assertEquals(List.of(), wrong);
    }

    private List<String> wrongIn(org.barchan.v1.Mount.Builder mount) {
        wrong.clear();
        parser.mounts(SandboxSpec.newBuilder().addMounts(mount).build());
        return List.copyOf(wrong);
    }

    private static org.barchan.v1.Mount.Builder mount(String target) {
        return org.barchan.v1.Mount.newBuilder().setTarget(bytes(target));
    }

    private static org.barchan.v1.Mount.Builder directory(String target) {
        return mount(target).setHostPath(HostPath.newBuilder().setPath(bytes("/source")));
    }

    private static org.barchan.v1.Mount.Builder tmpfs(String target, Tmpfs.Builder tmpfs) {
        return mount(target).setTmpfs(tmpfs);
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }
}
