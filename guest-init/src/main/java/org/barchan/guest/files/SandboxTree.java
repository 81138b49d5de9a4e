package org.barchan.guest.files;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;
import org.barchan.guest.syscall.Linux.Stat;
import org.barchan.guest.syscall.SandboxFiles;
import org.barchan.guest.v1.ListDirectoryResponse;
import org.barchan.guest.v1.MakeDirectoryRequest;
import org.barchan.guest.v1.MakeSymbolicLinkRequest;
import org.barchan.guest.v1.ReadFileRequest;
import org.barchan.guest.v1.ReadFileResponse;
import org.barchan.guest.v1.ReadTreeRequest;
import org.barchan.guest.v1.ReadTreeResponse;
import org.barchan.guest.v1.RenameFileRequest;
import org.barchan.guest.v1.SetFileAttributesRequest;
import org.barchan.guest.v1.StatFileRequest;
import org.barchan.guest.v1.WriteFileStart;
import org.barchan.guest.v1.WriteTreeStart;
import org.barchan.v1.DirectoryEntry;
import org.barchan.v1.FileAttributes;
import org.barchan.v1.FileInfo;
import org.barchan.v1.FileType;

/**
 * All files of the sandbox, as a process of its root user sees them. Each call finds the sandbox's root anew. Safe for use by many threads.
 *
 * <p>All throw {@link Errno} with the path, {@link IllegalStateException} when there is no sandbox or a file is of no use, and
 * {@link IllegalArgumentException} for a path that can't be.
 */
public final class SandboxTree {
    private static final int CHUNK = 64 * 1024;
    private static final int MAX_ENTRIES = 128;

    /** And about so many bytes: names and links may be long. */
    private static final int MAX_BYTES = 64 * 1024;

    private static final int NEW_DIRECTORY = 0755;

    private final Supplier<String> root;

    /** @param root the root of the sandbox as the init sees it */
    public SandboxTree(Supplier<String> root) {
        this.root = root;
    }

    private interface Action<R> {
        R perform(int descriptor) throws Errno;
    }

    private <R> R inRoot(Action<R> action) throws Errno {
        return with(SandboxFiles.openRoot(root.get()), action);
    }

    private static <R> R with(int descriptor, Action<R> action) throws Errno {
        try {
            return action.perform(descriptor);
        } finally {
            Linux.close(descriptor);
        }
    }

    public FileInfo stat(StatFileRequest request) throws Errno {
        byte[] path = request.getPath().toByteArray();
        return inRoot(
                top -> with(SandboxFiles.find(top, path, request.getFollow()), found -> Attributes.look(found, path)));
    }

    /** Tells all files of a directory, some at a time. */
    public void list(byte[] path, Consumer<ListDirectoryResponse> taker) throws Errno {
        var _ = inRoot(top -> with(SandboxFiles.find(top, path, true), found -> {
            if (!FileKind.isDirectory(Attributes.stat(found, path))) {
                throw new Errno(Place.text(path), Errno.ENOTDIR);
            }
            return with(Linux.reopenDirectory(found), opened -> {
                ListDirectoryResponse.Builder some = ListDirectoryResponse.newBuilder();
                int[] bytes = {0};
                Linux.forEachName(opened, name -> {
                    bytes[0] += entry(opened, name, some);
                    if (some.getEntriesCount() == MAX_ENTRIES || bytes[0] >= MAX_BYTES) {
                        taker.accept(some.build());
                        some.clear();
                        bytes[0] = 0;
                    }
                });
                if (some.getEntriesCount() > 0) {
                    taker.accept(some.build());
                }
                return true;
            });
        }));
    }

    /** One that has gone meanwhile, or is another now, is left out. Returns how large it has become. */
    private static int entry(int directory, byte[] name, ListDirectoryResponse.Builder some) throws Errno {
        try {
            Stat stat = Linux.statAt(directory, name);
            if (stat != null) {
                FileInfo info = FileKind.info(directory, name, stat);
                DirectoryEntry entry = DirectoryEntry.newBuilder()
                        .setName(ByteString.copyFrom(name))
                        .setInfo(info)
                        .build();
                some.addEntries(entry);
                return entry.getSerializedSize();
            }
            return 0;
        } catch (Errno e) {
            if (e.number() != Errno.ENOENT && e.number() != Errno.EINVAL) {
                throw e;
            }
            return 0;
        }
    }

    /** Tells what a file is, and what is in it, with its holes. */
    public void read(ReadFileRequest request, Consumer<ReadFileResponse> taker) throws Errno {
        byte[] path = request.getPath().toByteArray();
        var _ = inRoot(top -> with(SandboxFiles.find(top, path, true), found -> {
            FileInfo info = Attributes.look(found, path);
            if (info.getType() == FileType.FILE_TYPE_DIRECTORY) {
                throw new Errno(Place.text(path), Errno.EISDIR);
            }
            if (info.getType() != FileType.FILE_TYPE_REGULAR) {
                throw new IllegalStateException(
                        Place.text(path) + ": is a special file, which is neither read nor written");
            }
            return with(SandboxFiles.reopenFile(found, path), file -> {
                taker.accept(ReadFileResponse.newBuilder().setInfo(info).build());
                long end = request.hasLengthBytes() ? request.getOffset() + request.getLengthBytes() : Long.MAX_VALUE;
                // Both may be anything; what is too far is at no place of any file.
                if (request.getOffset() >= 0) {
                    read(file, path, request.getOffset(), end < 0 ? Long.MAX_VALUE : end, taker);
                }
                return true;
            });
        }));
    }

    private static void read(int file, byte[] path, long from, long end, Consumer<ReadFileResponse> taker)
            throws Errno {
        byte[] chunk = new byte[CHUNK];
        long at = from;
        long dataEnd = from;
        while (at < end) {
            if (at >= dataEnd) {
                long data = SandboxFiles.seek(file, at, SandboxFiles.To.DATA);
                if (data == -Errno.ENXIO && Attributes.stat(file, path).size() > 0) {
                    // No data behind it: the rest is a hole, or there is none.
                    hole(Math.min(end, Attributes.stat(file, path).size()) - at, taker);
                    return;
                }
                // A file of /proc or the like knows no holes, or no size.
                long next = data < 0 ? at : Math.min(data, end);
                hole(next - at, taker);
                at = next;
                long hole = data < 0 ? data : SandboxFiles.seek(file, at, SandboxFiles.To.HOLE);
                dataEnd = hole < 0 ? Long.MAX_VALUE : hole;
                long there = SandboxFiles.seek(file, at, SandboxFiles.To.START);
                if (there < 0) {
                    throw new Errno(Place.text(path), (int) -there);
                }
                continue;
            }
            int n = Linux.read(file, chunk, 0, (int) Math.min(CHUNK, Math.min(end, dataEnd) - at));
            if (n < 0) {
                throw new Errno(Place.text(path), -n);
            }
            if (n == 0) {
                return;
            }
            taker.accept(ReadFileResponse.newBuilder()
                    .setData(ByteString.copyFrom(chunk, 0, n))
                    .build());
            at += n;
        }
    }

    private static void hole(long bytes, Consumer<ReadFileResponse> taker) {
        if (bytes > 0) {
            taker.accept(ReadFileResponse.newBuilder().setHoleBytes(bytes).build());
        }
    }

    /** Tells a file, and if it is a directory all that is in it. */
    public void readTree(ReadTreeRequest request, Consumer<ReadTreeResponse> taker) throws Errno {
        byte[] path = request.getPath().toByteArray();
        var _ = inRoot(top -> with(SandboxFiles.find(top, path, request.getFollow()), found -> {
            new TreeReading(path, taker).read(found);
            return true;
        }));
    }

    /** Begins to make files below a directory. */
    public TreeWrite writeTree(WriteTreeStart start) throws Errno {
        byte[] path = start.getDirectory().toByteArray();
        return inRoot(top -> TreeWrite.begin(SandboxFiles.find(top, path, true), path, start.getKeepOwners()));
    }

    /** Begins to write a file. */
    public FileWrite write(WriteFileStart start) throws Errno {
        return inRoot(top -> FileWrite.begin(top, start));
    }

    public void makeDirectory(MakeDirectoryRequest request) throws Errno {
        byte[] path = request.getPath().toByteArray();
        var _ = inRoot(top -> {
            for (int slash = 1; request.getParents() && slash < path.length; slash++) {
                if (path[slash] == '/') {
                    makeDirectory(top, Arrays.copyOf(path, slash), FileAttributes.getDefaultInstance(), true);
                }
            }
            makeDirectory(top, path, request.getAttributes(), request.getParents());
            return true;
        });
    }

    private static void makeDirectory(int top, byte[] path, FileAttributes attributes, boolean mayBeThere)
            throws Errno {
        if (mayBeThere && isDirectory(top, path)) {
            return;
        }
        try (Place place = Place.of(top, path)) {
            try {
                place.makeDirectory();
            } catch (Errno e) {
                if (e.number() == Errno.EEXIST && mayBeThere && isDirectory(top, path)) {
                    return; // Somebody else was faster.
                }
                throw e;
            }
            FileAttributes wanted = attributes.hasMode()
                    ? attributes
                    : attributes.toBuilder().setMode(NEW_DIRECTORY).build();
            with(place.find(), made -> {
                Attributes.set(made, wanted, path);
                return true;
            });
        }
    }

    private static boolean isDirectory(int top, byte[] path) throws Errno {
        try {
            return with(
                    SandboxFiles.find(top, path, true), found -> FileKind.isDirectory(Attributes.stat(found, path)));
        } catch (Errno e) {
            if (e.number() == Errno.ENOENT) {
                return false;
            }
            throw e;
        }
    }

    public void makeSymbolicLink(MakeSymbolicLinkRequest request) throws Errno {
        byte[] path = request.getPath().toByteArray();
        byte[] target = request.getTarget().toByteArray();
        var _ = inRoot(top -> {
            try (Place place = Place.of(top, path)) {
                if (!request.getReplace()) {
                    place.makeLink(target);
                    return with(place.find(), made -> {
                        Attributes.set(made, request.getAttributes(), path);
                        return true;
                    });
                }
                try (Place.Temporary link = place.createLinkBeside(target)) {
                    Attributes.set(link.fd(), request.getAttributes(), path);
                    link.place();
                }
                return true;
            }
        });
    }

    public void remove(byte[] path, boolean recursive) throws Errno {
        var _ = inRoot(top -> {
            try (Place place = Place.of(top, path)) {
                place.remove(recursive);
                return true;
            }
        });
    }

    public void rename(RenameFileRequest request) throws Errno {
        var _ = inRoot(top -> {
            try (Place from = Place.of(top, request.getPath().toByteArray());
                    Place to = Place.of(top, request.getNewPath().toByteArray())) {
                from.moveTo(to, request.getReplace());
                return true;
            }
        });
    }

    public FileInfo setAttributes(SetFileAttributesRequest request) throws Errno {
        byte[] path = request.getPath().toByteArray();
        return inRoot(top -> with(SandboxFiles.find(top, path, request.getFollow()), found -> {
            if (request.getAttributes().hasMode() && FileKind.isLink(Attributes.stat(found, path))) {
                throw new IllegalStateException(Place.text(path) + ": a symbolic link has no mode of its own");
            }
            Attributes.set(found, request.getAttributes(), path);
            return Attributes.look(found, path);
        }));
    }
}
