package org.barchan.host.adapter.link;

import com.google.protobuf.ByteString;
import org.barchan.guest.v1.GuestDisk;
import org.barchan.guest.v1.GuestMount;
import org.barchan.guest.v1.GuestTmpfs;
import org.barchan.guest.v1.Overlay;
import org.barchan.guest.v1.RootMount;
import org.barchan.host.port.GuestConfiguration;
import org.barchan.host.port.GuestConfiguration.Placed;
import org.barchan.host.port.GuestConfiguration.Root;
import org.barchan.host.port.GuestConfiguration.Share;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.GuestPath;
import org.barchan.host.sandbox.Mount;

/** Mounts in the words of the guest's protocol. */
final class GuestMounts {
    private GuestMounts() {}

    static RootMount root(Root root) {
        RootMount.Builder message = RootMount.newBuilder();
        switch (root.share().transport()) {
            case NINEP -> message.setNinepTag(root.share().tag());
            case VIRTIOFS -> message.setVirtiofsTag(root.share().tag());
            case BLOCK -> message.setImageSerial(root.share().tag());
        }
        switch (root.access()) {
            case Access.Overlay overlay -> message.setOverlay(overlay(overlay, root.share()));
            case Access.ReadOnly _ -> {
                message.setReadOnly(true);
                if (root.lacksTargets()) {
                    message.setOverlay(Overlay.getDefaultInstance());
                }
            }
            case Access.ReadWrite _ -> {}
        }
        return message.build();
    }

    static GuestMount mount(Placed placed) {
        GuestMount.Builder message = GuestMount.newBuilder()
                .setTarget(bytes(placed.mount().target()))
                .setOptional(placed.optional());
        switch (placed.mount()) {
            case Mount.HostDirectory directory -> share(message, placed.share().orElseThrow(), directory.access());
            case Mount.Image image -> share(message, placed.share().orElseThrow(), image.access());
            case Mount.Memory memory ->
                message.setTmpfs(GuestTmpfs.newBuilder().setMode(memory.mode()).setSizeBytes(memory.bytes()))
                        .setReadOnly(memory.readOnly());
            case Mount.Bind bind -> message.setSandboxPath(bytes(bind.source())).setReadOnly(bind.readOnly());
        }
        return message.build();
    }

    private static void share(GuestMount.Builder message, Share share, Access access) {
        switch (share.transport()) {
            case NINEP -> message.setNinepTag(share.tag());
            case VIRTIOFS -> message.setVirtiofsTag(share.tag());
            case BLOCK -> message.setImageSerial(share.tag());
        }
        message.setFile(share.file());
        switch (access) {
            case Access.Overlay overlay -> message.setOverlay(overlay(overlay, share));
            case Access.ReadOnly _ -> message.setReadOnly(true);
            case Access.ReadWrite _ -> {}
        }
    }

    static GuestDisk disk(GuestConfiguration.Disk disk) {
        return GuestDisk.newBuilder()
                .setSerial(disk.serial())
                .setTag(disk.tag())
                .setUid(disk.uid())
                .setGid(disk.gid())
                .setReadOnly(disk.readOnly())
                .build();
    }

    private static Overlay overlay(Access.Overlay overlay, Share share) {
        return Overlay.newBuilder()
                .setSizeBytes(overlay.scratch() ? 0 : overlay.bytes())
                .setImageSerial(share.scratch())
                .build();
    }

    private static ByteString bytes(GuestPath path) {
        return ByteString.copyFrom(path.bytes());
    }
}
