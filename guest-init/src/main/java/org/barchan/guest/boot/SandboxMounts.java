package org.barchan.guest.boot;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Make;
import org.barchan.guest.syscall.SmallFile;
import org.barchan.guest.v1.GuestMount;
import org.barchan.guest.v1.GuestTmpfs;
import org.barchan.guest.v1.Overlay;
import org.barchan.guest.v1.RootMount;

/**
 * What the sandbox sees of file systems. A path of the sandbox is looked up as by a process whose root is the sandbox's: no link on it
 * leads into the init's own files. Lower and upper layers of overlays lie where only the init sees them.
 */
final class SandboxMounts {
    private static final String LAYERS = "/layers";
    private static final String MACHINE_ID = "/etc/machine-id";
    private static final List<String> NEEDED_DIRECTORIES = List.of("/proc", "/sys", "/dev");

    private final String root;
    private final BlockDevices disks;
    private final Map<String, List<String>> fileSystems;
    private final Consumer<String> remarks;
    private final List<Written> written = new ArrayList<>();
    private final List<OverlayChanges.Layer> overlays = new ArrayList<>();
    private int layers;
    private boolean sealed;

    /**
     * Mounts nothing yet.
     *
     * @param root a directory that is there, where the sandbox's root is put together
     * @param fileSystems the modules that each file system of an image needs
     * @param remarks takes what to beware of
     */
    SandboxMounts(String root, BlockDevices disks, Map<String, List<String>> fileSystems, Consumer<String> remarks) {
        this.root = root;
        this.disks = disks;
        this.fileSystems = fileSystems;
        this.remarks = remarks;
    }

    /**
     * An image that is written to.
     *
     * @param fd its root directory
     */
    record Written(String target, int fd) {
        /** Has all that was written in the image, which is not written to any more. Nothing may be open there. */
        void settle() throws Errno {
            byte[] path = place(fd);
            Linux.syncFileSystem(path);
            Linux.mount("", path, "", Linux.MS_REMOUNT | Linux.MS_RDONLY | Linux.MS_NODEV, "");
        }
    }

    /** Returns the images that are written to. */
    List<Written> written() {
        return written;
    }

    /** Returns the overlays that the sandbox can write to. */
    List<OverlayChanges.Layer> overlays() {
        return overlays;
    }

    /** What comes from the host. */
    private interface Source {
        void mount(byte[] target, boolean readOnly) throws Errno, IOException;

        /** Whether the guest has to see to it that what was written is there in the end. */
        boolean isOurs();
    }

    /** The file system in an image. */
    private final class Image implements Source {
        private final String serial;

        Image(String serial) {
            this.serial = serial;
        }

        @Override
        public boolean isOurs() {
            return true;
        }

        @Override
        public void mount(byte[] target, boolean readOnly) throws Errno, IOException {
            String device = disks.find(serial).path();
            ImageFileSystem type = ImageFileSystem.of(device);
            List<String> modules = fileSystems.get(type.type());
            if (modules == null) {
                throw new IOException("the kernel has no module " + type.type()
                        + ", which is the file system of the image. Choose another kernel");
            }
            Modules.load(modules);
            long flags = Linux.MS_NODEV | (readOnly ? Linux.MS_RDONLY : 0);
            try {
                Linux.mount(device, target, type.type(), flags, type.options());
            } catch (Errno e) {
                if (e.number() != Errno.EROFS || !readOnly || !type.hasJournal()) {
                    throw e;
                }
                Linux.mount(device, target, type.type(), flags, type.optionsWithoutJournal());
                remarks.accept("the image was not unmounted in good order, and its journal can't be played back where"
                        + " nothing is written: what was written to it last may be missing or damaged. Mount it rw"
                        + " once to mend it");
            }
        }
    }

    /** A directory of the host, by a device of the machine. */
    private record Share(String tag, String type, String options, String readOnlyCache, String readWriteCache)
            implements Source {
        /**
         * Large messages, few round trips. What was read of what nothing is written to by this mount is kept: a sandbox that outlives a
         * change on the host may see the file as it was. Where both ends write, nothing is kept but what programs have mapped.
         */
        static Share ninep(String tag) {
            return new Share(tag, "9p", "trans=virtio,version=9p2000.L,msize=512000", ",cache=loose", ",cache=mmap");
        }

        /** What is kept is the server's to say. */
        static Share virtiofs(String tag) {
            return new Share(tag, "virtiofs", "", "", "");
        }

        @Override
        public boolean isOurs() {
            return false;
        }

        @Override
        public void mount(byte[] target, boolean readOnly) throws Errno {
            Linux.mount(
                    tag,
                    target,
                    type,
                    Linux.MS_NODEV | (readOnly ? Linux.MS_RDONLY : 0),
                    options + (readOnly ? readOnlyCache : readWriteCache));
        }
    }

    /** A mount that is not there because its place is not. */
    static final class LeftOutException extends IOException {
        private static final long serialVersionUID = 1L;

        LeftOutException(String message) {
            super(message);
        }
    }

    /**
     * Mounts the root. One that is read-only and has a layer takes targets of mounts until it is {@linkplain #seal sealed}.
     */
    void root(RootMount mount) throws Errno, IOException {
        Source source = switch (mount.getSourceCase()) {
            case NINEP_TAG -> Share.ninep(mount.getNinepTag());
            case VIRTIOFS_TAG -> Share.virtiofs(mount.getVirtiofsTag());
            case IMAGE_SERIAL -> new Image(mount.getImageSerial());
            case SOURCE_NOT_SET -> throw noSource();
        };
        byte[] target = bytes(root);
        if (!mount.hasOverlay()) {
            source.mount(target, mount.getReadOnly());
            note(source, mount.getReadOnly(), bytes("/"));
        } else {
            String layer = newLayer();
            source.mount(bytes(layer + "/lower"), true);
            overlay(layer, mount.getOverlay(), target);
            sealed = mount.getReadOnly();
            if (!sealed) {
                addOverlay(layer, bytes("/"), "");
            }
        }
        for (String directory : NEEDED_DIRECTORIES) {
            close(open(
                    bytes(directory),
                    source.isOurs() ? Make.DIRECTORY : Make.NOTHING,
                    "the root has no directory " + directory + " to mount on; create it on the host, empty"));
        }
    }

    /**
     * Lays a machine id of its own over the host's, which sandboxes would share, and which hosts do not tell everybody. Where the root has
     * no such file, it needs none.
     */
    void machineId() throws Errno, IOException {
        int target = Linux.openBelow(root, bytes(MACHINE_ID), Make.NOTHING);
        try {
            if (target < 0 || Linux.isDirectory(target)) {
                throw new LeftOutException("the root has no file " + MACHINE_ID);
            }
            String own = "/machine-id";
            SmallFile.make(own, SmallFile.read("/proc/sys/kernel/random/uuid").replace("-", "") + "\n");
            Linux.mount(own, place(target), "", Linux.MS_BIND, "");
        } finally {
            close(target);
        }
        int mounted = openTarget(bytes(MACHINE_ID), Make.NOTHING);
        try {
            makeReadOnly(place(mounted));
        } finally {
            close(mounted);
        }
    }

    /** What is written to an image has to get there before the machine is off. */
    private void note(Source source, boolean readOnly, byte[] path) throws IOException {
        if (source.isOurs() && !readOnly) {
            written.add(new Written(text(path), openTarget(path, Make.NOTHING)));
        }
    }

    private static IllegalArgumentException noSource() {
        return new IllegalArgumentException("source: not set (expected: one that this init knows)");
    }

    /**
     * Ends it: what was made for mounts is made, and a root that is read-only takes nothing from here on. Its file system is, not this one
     * mount of it: what is bound elsewhere has flags of its own.
     */
    void seal() throws Errno {
        if (sealed) {
            Linux.mount("", bytes(root), "", Linux.MS_REMOUNT | Linux.MS_RDONLY | Linux.MS_NODEV, "");
        }
    }

    /** Mounts something below the root. */
    void mount(GuestMount mount) throws Errno, IOException {
        byte[] path = mount.getTarget().toByteArray();
        if (mount.getOptional()) {
            int there = Linux.openBelow(root, path, Make.NOTHING);
            close(there);
            if (there < 0) {
                throw new LeftOutException("the root has no such directory");
            }
        }
        switch (mount.getSourceCase()) {
            case NINEP_TAG -> share(mount, Share.ninep(mount.getNinepTag()), path);
            case VIRTIOFS_TAG -> share(mount, Share.virtiofs(mount.getVirtiofsTag()), path);
            case IMAGE_SERIAL -> share(mount, new Image(mount.getImageSerial()), path);
            case TMPFS -> tmpfs(mount.getTmpfs(), mount.getReadOnly(), path);
            case SANDBOX_PATH -> bind(mount.getSandboxPath(), mount.getReadOnly(), path);
            case SOURCE_NOT_SET -> throw noSource();
        }
    }

    private void share(GuestMount mount, Source source, byte[] path) throws Errno, IOException {
        String file = mount.getFile();
        int target = openTarget(path, file.isEmpty() ? Make.DIRECTORY : Make.FILE);
        try {
            if (!file.isEmpty()) {
                String layer = newLayer();
                source.mount(bytes(layer + "/lower"), mount.hasOverlay() || mount.getReadOnly());
                String directory = layer + "/lower";
                if (mount.hasOverlay()) {
                    directory = layer + "/merged";
                    Linux.mkdir(directory, 0700);
                    overlay(layer, mount.getOverlay(), bytes(directory));
                    addOverlay(layer, path, file);
                }
                Linux.mount(directory + "/" + file, place(target), "", Linux.MS_BIND, "");
            } else if (mount.hasOverlay()) {
                String layer = newLayer();
                source.mount(bytes(layer + "/lower"), true);
                overlay(layer, mount.getOverlay(), place(target));
                addOverlay(layer, path, "");
            } else {
                source.mount(place(target), mount.getReadOnly());
                note(source, mount.getReadOnly(), path);
            }
        } finally {
            close(target);
        }
    }

    private void tmpfs(GuestTmpfs tmpfs, boolean readOnly, byte[] path) throws Errno, IOException {
        int target = openTarget(path, Make.DIRECTORY);
        try {
            Linux.mount(
                    "tmpfs",
                    place(target),
                    "tmpfs",
                    Linux.MS_NOSUID | Linux.MS_NODEV | (readOnly ? Linux.MS_RDONLY : 0),
                    "mode=" + Integer.toOctalString(tmpfs.getMode()) + size(tmpfs.getSizeBytes()));
        } finally {
            close(target);
        }
    }

    private void bind(ByteString from, boolean readOnly, byte[] path) throws Errno, IOException {
        int source = open(from.toByteArray(), Make.NOTHING, "the sandbox has no " + from.toStringUtf8());
        try {
            int target = openTarget(path, Linux.isDirectory(source) ? Make.DIRECTORY : Make.FILE);
            try {
                Linux.mount(text(place(source)), place(target), "", Linux.MS_BIND | Linux.MS_REC, "");
            } finally {
                close(target);
            }
        } finally {
            close(source);
        }
        if (readOnly) {
            // Opened anew: the descriptor from before is of what lies below.
            int mounted = openTarget(path, Make.NOTHING);
            try {
                makeReadOnly(place(mounted));
            } finally {
                close(mounted);
            }
        }
    }

    private String newLayer() throws Errno {
        if (layers == 0) {
            Linux.mkdir(LAYERS, 0700);
        }
        String layer = LAYERS + "/" + layers;
        layers++;
        Linux.mkdir(layer, 0700);
        Linux.mkdir(layer + "/lower", 0700);
        Linux.mkdir(layer + "/memory", 0700);
        return layer;
    }

    /** Lays memory, or an empty image, over a layer's lower directory. The merged directory has the owner and permissions of the upper one. */
    private void overlay(String layer, Overlay overlay, byte[] target) throws Errno, IOException {
        String memory = layer + "/memory";
        if (overlay.getImageSerial().isEmpty()) {
            Linux.mount("tmpfs", bytes(memory), "tmpfs", Linux.MS_NODEV, "mode=700" + size(overlay.getSizeBytes()));
        } else {
            new Image(overlay.getImageSerial()).mount(bytes(memory), false);
        }
        Linux.mkdirLike(memory + "/upper", layer + "/lower");
        Linux.mkdir(memory + "/work", 0700);
        Linux.mount(
                "overlay",
                target,
                "overlay",
                Linux.MS_NODEV,
                "lowerdir=" + layer + "/lower,upperdir=" + memory + "/upper,workdir=" + memory
                        // What is in the upper layer is whole, so that changes can be told from it.
                        + "/work,redirect_dir=off,metacopy=off");
    }

    private void addOverlay(String layer, byte[] target, String file) {
        overlays.add(
                new OverlayChanges.Layer(layer + "/memory/upper", layer + "/lower", ByteString.copyFrom(target), file));
    }

    private static void makeReadOnly(byte[] mounted) throws Errno {
        Linux.mount("", mounted, "", Linux.MS_REMOUNT | Linux.MS_BIND | Linux.MS_RDONLY | Linux.MS_NODEV, "");
    }

    private static String size(long bytes) {
        return bytes == 0 ? "" : ",size=" + bytes;
    }

    private int openTarget(byte[] path, Make make) throws IOException {
        return open(path, make, "there is no such place in the sandbox, and it can't be made");
    }

    private int open(byte[] path, Make make, String problem) throws IOException {
        int fd = Linux.openBelow(root, path, make);
        if (fd < 0) {
            throw new IOException(problem + " (" + Errno.describe(-fd) + ")");
        }
        return fd;
    }

    private static byte[] place(int fd) {
        return bytes("/proc/self/fd/" + fd);
    }

    private static void close(int fd) {
        if (fd >= 0) {
            Linux.close(fd);
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
