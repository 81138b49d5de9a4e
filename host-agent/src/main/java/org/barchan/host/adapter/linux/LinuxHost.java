package org.barchan.host.adapter.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.barchan.host.port.Host;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.SandboxException;

/** This machine. */
public final class LinuxHost implements Host {
    private static final List<Path> EMULATORS = List.of(
            Path.of("/usr/bin/qemu-system-x86_64"),
            Path.of("/usr/local/bin/qemu-system-x86_64"),
            Path.of("/usr/libexec/qemu-kvm"));
    private static final List<Path> FILE_SERVERS = List.of(
            Path.of("/usr/libexec/virtiofsd"), Path.of("/usr/lib/qemu/virtiofsd"), Path.of("/usr/lib/virtiofsd"));
    private static final Path KVM = Path.of("/dev/kvm");
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final Path PASSWD = Path.of("/etc/passwd");

    private final Users users = new Users();
    private final HostUser self = users.self();
    private final String bootId = read(Path.of("/proc/sys/kernel/random/boot_id"));
    private final String kernelRelease = read(Path.of("/proc/sys/kernel/osrelease"));
    private Optional<Emulator> lastEmulator = Optional.empty();

    @Override
    public HostUser self() {
        return self;
    }

    @Override
    public String architecture() {
        String name = System.getProperty("os.arch", "unknown");
        return name.equals("amd64") ? "x86_64" : name;
    }

    @Override
    public String bootId() {
        return bootId;
    }

    @Override
    public String kernelRelease() {
        return kernelRelease;
    }

    @Override
    public synchronized Emulator emulator() throws SandboxException {
        Path binary = EMULATORS.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new SandboxException(
                        SandboxException.Code.PRECONDITION,
                        "looking for QEMU: none of " + EMULATORS
                                + " is there. Install it: apt-get install qemu-system-x86"));
        try {
            Instant modified = Files.getLastModifiedTime(binary).toInstant();
            if (lastEmulator
                    .filter(e -> e.binary().equals(binary) && e.modified().equals(modified))
                    .isEmpty()) {
                lastEmulator = Optional.of(new Emulator(binary, version(binary), modified));
            }
            return lastEmulator.orElseThrow();
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION,
                    "asking " + binary + " for its version: " + e.getMessage() + ". Install QEMU anew",
                    e);
        }
    }

    @Override
    public Optional<Path> virtiofsd() {
        return FILE_SERVERS.stream().filter(Files::isExecutable).findFirst();
    }

    @Override
    public HostUser emulatorUser(HostUser client) {
        if (self.uid() != 0) {
            return self;
        }
        if (client.uid() != 0) {
            return client;
        }
        return Stream.of("libvirt-qemu", "nobody")
                .flatMap(name -> users.find(name).stream())
                .findFirst()
                .orElse(new HostUser(65534, 65534));
    }

    @Override
    public String nameOf(HostUser user) {
        return users.name(user.uid()).orElseGet(() -> Integer.toString(user.uid()));
    }

    @Override
    public Optional<String> kvmProblem(HostUser user) {
        if (!Files.exists(KVM)) {
            return Optional.of("there is no /dev/kvm");
        }
        try {
            return users.as(user, () -> {
                FileChannel.open(KVM, StandardOpenOption.READ, StandardOpenOption.WRITE)
                        .close();
                return Optional.empty();
            });
        } catch (Exception e) {
            return Optional.of("user " + nameOf(user) + ", whom QEMU runs as, can't open /dev/kvm: " + reason(e));
        }
    }

    @Override
    public boolean mayEnter(Path directory, HostUser user) {
        try {
            return users.as(
                    user,
                    () -> LibC.INSTANCE.faccessat(LibC.AT_FDCWD, directory.toString(), LibC.X_OK, LibC.AT_EACCESS)
                            == 0);
        } catch (Exception e) {
            return false;
        }
    }

    @Override
    public Optional<Path> homeOf(HostUser user) {
        return users.home(user.uid()).map(Path::of).filter(Path::isAbsolute).map(Path::normalize);
    }

    @Override
    public List<Path> homesOfOthers(HostUser user) {
        List<Path> homes = new ArrayList<>();
        for (String line : users().lines().toList()) {
            String[] fields = line.split(":", -1);
            if (fields.length == 7 && fields[2].matches("\\d{1,10}") && fields[5].startsWith("/")) {
                long uid = Long.parseLong(fields[2]);
                Path home = Path.of(fields[5]).normalize();
                if (uid != user.uid() && isPerson(uid) && isOwn(home, uid)) {
                    homes.add(home);
                }
            }
        }
        return homes;
    }

    private static String users() {
        try {
            return new String(Files.readAllBytes(PASSWD), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    /** As login.defs(5) and systemd count, with root. */
    private static boolean isPerson(long uid) {
        return uid == 0 || (uid >= 1000 && uid != 65534);
    }

    /** Services have homes that are no homes: /, /usr/sbin, /var/www. */
    private static boolean isOwn(Path home, long uid) {
        try {
            return home.getNameCount() > 0 && ((Integer) Files.getAttribute(home, "unix:uid")).longValue() == uid;
        } catch (IOException e) {
            return false;
        }
    }

    private static String version(Path binary) throws IOException {
        Process process = new ProcessBuilder(binary.toString(), "--version")
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .start();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                throw new IOException("it did not answer within 10 s");
            }
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return output.lines().findFirst().orElse("").strip();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroyForcibly();
        }
    }

    @Override
    public Descriptors descriptors() {
        long[] limits = new long[2];
        var _ = LibC.INSTANCE.getrlimit(LibC.RLIMIT_NOFILE, limits);
        String[] open = DESCRIPTORS.toFile().list();
        // It can't be listed when none is left for that.
        return new Descriptors(open == null ? limits[0] : open.length - 1, limits[0]);
    }

    private static String reason(Exception e) {
        return e instanceof java.nio.file.AccessDeniedException ? "permission denied" : String.valueOf(e.getMessage());
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }
}
