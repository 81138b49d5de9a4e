package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.Mount;
import org.barchan.v1.HostPath;
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
    void rootAccess_readWrite_isRefused() {
        parser.rootAccess(SandboxSpec.newBuilder()
                .setRootMode(MountMode.MOUNT_MODE_READ_WRITE)
                .build());
        parser.rootAccess(SandboxSpec.newBuilder().setRootOverlayBytes(1 << 20).build());

        assertEquals(List.of("start.sandbox.root_mode", "start.sandbox.root_overlay_bytes"), wrong);
    }

    @Test
    void mounts_good_areInTheirOrder() {
        byte[] noText = {'/', (byte) 0xFF};
        SandboxSpec spec = SandboxSpec.newBuilder()
                .addMounts(directory("/a"))
                .addMounts(directory("/a").setMode(MountMode.MOUNT_MODE_READ_WRITE))
                .addMounts(directory("/a").setMode(MountMode.MOUNT_MODE_OVERLAY).setOverlayBytes(1 << 20))
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
