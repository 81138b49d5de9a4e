package org.barchan.host.adapter.boot;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.barchan.host.port.BootFiles.BootFileSet;
import org.barchan.host.port.BootFiles.Feature;
import org.barchan.host.sandbox.KernelChoice;
import org.barchan.host.sandbox.KernelReport;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxException.Code;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CachedBootFilesTest {
    private static final KernelChoice NEWEST = new KernelChoice.Newest();
    private static final String RELEASE = FakeHost.RELEASE;

    @TempDir
    Path temporary;

    private FakeHost host;
    private final ConcurrentLinkedQueue<String> progress = new ConcurrentLinkedQueue<>();

    @BeforeEach
    void setUp() throws IOException {
        host = new FakeHost(temporary);
    }

    @Test
    void prepare_noKernelAtAll_namesThePackage() {
        assertFails(NEWEST, Code.PRECONDITION, "there is no vmlinuz-*", "linux-image-amd64");
    }

    @Test
    void prepare_noBootDirectory_namesThePackage() throws IOException {
        Files.delete(host.boot);
        assertFails(NEWEST, Code.PRECONDITION, "linux-image-amd64");
    }

    @Test
    void prepare_onlyUnusableKernels_givesAllReasons() throws IOException {
        Files.writeString(host.boot.resolve("vmlinuz-9.0-broken"), "garbage");
        host.addImage("6.1.0-8-amd64", "gzip");
        addCloudKernel();
        assertFails(
                NEWEST,
                Code.PRECONDITION,
                "vmlinuz-9.0-broken as kernel: it is no kernel image",
                "linux-image-6.1.0-8-amd64",
                "lacks the modules 9p, virtiofs",
                "install the package linux-image-amd64");
    }

    @Test
    void prepare_kernelWithout9p_saysWhatWouldDo() throws IOException {
        Path cloud = addCloudKernel();
        host.addKernel("6.1.0-6-amd64");
        assertFails(
                KernelChoice.Image.of(cloud),
                Code.PRECONDITION,
                "6.1.0-9-cloud-amd64",
                "9p, virtiofs",
                "this installed kernel does: 6.1.0-6-amd64");
    }

    @Test
    void prepare_kernelWithout9pAlone_namesThePackage() throws IOException {
        assertFails(
                KernelChoice.Image.of(addCloudKernel()), Code.PRECONDITION, "install the package linux-image-amd64");
    }

    @Test
    void prepare_givenImageThatIsNotThere_isInvalid() {
        assertFails(KernelChoice.Image.of(Path.of("/no/kernel")), Code.INVALID, "/no/kernel", "there is no such file");
    }

    @Test
    void prepare_givenModulesThatAreNotThere_isInvalid() throws IOException {
        Path image = host.addImage(RELEASE, "gzip");
        assertFails(KernelChoice.Image.of(image, Path.of("/no/modules")), Code.INVALID, "/no/modules");
    }

    @Test
    void prepare_noModulesDep_namesDepmod() throws IOException {
        Path image = host.addKernel(RELEASE);
        Files.delete(host.modulesRoot.resolve(RELEASE).resolve("modules.dep"));
        assertFails(KernelChoice.Image.of(image), Code.PRECONDITION, "depmod " + RELEASE);
    }

    @Test
    void prepare_modulesOfAnotherKernel_namesBoth() throws IOException {
        Path image = host.addImage(RELEASE, "gzip");
        Path modules = host.addModules("5.10.0-1-amd64", FakeHost.MODULES);
        assertFails(
                KernelChoice.Image.of(image, modules),
                Code.PRECONDITION,
                "made for kernel 5.10.0-1-amd64, not for " + RELEASE);
    }

    @Test
    void prepare_moduleThatIsNone_isRefused() throws IOException {
        host.addKernel(RELEASE);
        Files.writeString(host.modulesRoot.resolve(RELEASE).resolve("kernel/fs/9p/9p.ko"), "root:x:0:0");
        assertFails(NEWEST, Code.PRECONDITION, "9p.ko is damaged");
    }

    @Test
    void prepare_noGuestTree_saysSo() throws IOException {
        host.addKernel(RELEASE);
        Files.delete(host.guest.resolve("init"));
        assertFails(NEWEST, Code.PRECONDITION, host.guest.toString(), "init");
    }

    @Test
    void prepare_failure_leavesNoTemporaryFile() throws IOException {
        host.addKernel(RELEASE);
        Files.writeString(host.modulesRoot.resolve(RELEASE).resolve("kernel/fs/9p/9p.ko"), "");
        assertFails(NEWEST, Code.PRECONDITION, "9p.ko is damaged");
        assertEquals(List.of(), files().filter(name -> name.startsWith(".tmp")).toList());
    }

    @Test
    void prepare_newestUnusable_takesTheNext() throws Exception {
        addCloudKernel();
        host.addKernel("6.1.0-8-amd64");
        host.addKernel("6.1.0-10-amd64");
        host.addKernel("6.1.0-9-amd64");
        host.addImage("6.2.0-1-amd64", "gzip");
        assertEquals("6.1.0-10-amd64", prepare().release());
    }

    @Test
    void prepare_newestKernel_isOneWith9pWhereThereIsOne() throws Exception {
        Map<String, String> modules = new HashMap<>(FakeHost.MODULES);
        modules.keySet().removeIf(name -> name.contains("9p"));
        modules.put("kernel/fs/fuse/virtiofs.ko", "");
        host.addModules("6.1.0-9-cloud-amd64", modules);
        host.addImage("6.1.0-9-cloud-amd64", "gzip");
        assertEquals("6.1.0-9-cloud-amd64", prepare().release());
        assertEquals(Set.of(Feature.VIRTIOFS), prepare().modules().keySet());
        host.addKernel("6.1.0-8-amd64");
        assertEquals("6.1.0-8-amd64", prepare().release());
    }

    @Test
    void kernels_newestFirst_withReasons() throws Exception {
        addCloudKernel();
        host.addKernel("6.1.0-8-amd64");
        List<KernelReport> kernels = host.bootFiles().kernels();
        assertEquals(
                List.of("6.1.0-9-cloud-amd64", "6.1.0-8-amd64"),
                kernels.stream().map(KernelReport::release).toList());
        assertTrue(kernels.get(0).problem().orElseThrow().contains("9p, virtiofs"));
        assertTrue(kernels.get(1).usable());
    }

    @Test
    void prepare_imageThatCannotBeExtracted_isTakenAsItIs() throws Exception {
        host.addModules(RELEASE, FakeHost.MODULES);
        byte[] image = FakeHost.bzImage(RELEASE, FakeHost.compress("xz", FakeHost.payload(RELEASE, false)));
        Files.write(host.boot.resolve("vmlinuz-" + RELEASE), image);
        assertArrayEquals(image, Files.readAllBytes(prepare().kernel()));
        assertTrue(progress.toString().contains("PVH"), progress.toString());
    }

    @ParameterizedTest
    @CsvSource({"none,''", "gzip,.gz", "xz,.xz", "zstd,.zst"})
    void prepare_modulesCompressed_areDecompressed(String compression, String suffix) throws Exception {
        host.addKernel(RELEASE);
        Path directory = host.modulesRoot.resolve(RELEASE);
        for (String name : FakeHost.MODULES.keySet()) {
            byte[] content = Files.readAllBytes(directory.resolve(name));
            Files.delete(directory.resolve(name));
            Files.write(directory.resolve(name + suffix), FakeHost.compressFile(compression, content));
        }
        Path dep = directory.resolve("modules.dep");
        Files.writeString(dep, Files.readString(dep).replace(".ko", ".ko" + suffix));
        BootFileSet set = prepare();
        Map<String, String> archive = readArchive(set.initrd());
        assertEquals(List.of("9pnet.ko", "9pnet_virtio.ko", "9p.ko"), set.modules(List.of(Feature.NINEP)));
        assertEquals(
                "virtio.ko\nvirtio_ring.ko\nvirtio_pci.ko\nvirtio-console.ko\n",
                archive.get("100644 modules/boot.list"));
        for (String name : List.of("virtio_pci.ko", "9p.ko")) {
            assertTrue(requireNonNull(archive.get("100644 modules/" + name)).startsWith("\u007fELF"));
        }
    }

    @Test
    void prepare_initrd_holdsTheTreeSortedAndWithoutTimes() throws Exception {
        host.addKernel(RELEASE);
        Map<String, String> archive = readArchive(prepare().initrd());
        assertEquals("the init", archive.get("100755 init"));
        assertEquals("a library", archive.get("100644 lib/libc.so.6"));
        assertEquals("lib", archive.get("120777 lib64"));
        assertTrue(archive.keySet()
                .containsAll(
                        Set.of("40755 proc", "40755 sys", "40755 dev", "40755 newroot", "40755 run", "40755 lib")));
        List<String> names = archive.keySet().stream()
                .map(name -> name.substring(name.indexOf(' ') + 1))
                .toList();
        assertEquals(names.stream().sorted().toList(), names);
    }

    @Test
    void prepare_twoStateDirectories_giveTheSameBytes() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet one = prepare();
        Files.setLastModifiedTime(host.guest.resolve("init"), FileTime.from(Instant.EPOCH));
        BootFileSet two = new CachedBootFiles(temporary.resolve("other"), host.guest, host.boot, host.modulesRoot)
                .prepare(NEWEST, false, progress::add);
        assertEquals(one.digest(), two.digest());
        assertEquals(-1, Files.mismatch(one.initrd(), two.initrd()));
        assertEquals(-1, Files.mismatch(one.kernel(), two.kernel()));
    }

    @Test
    void prepare_again_makesNothing() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet first = prepare();
        Object inode = Files.getAttribute(first.initrd(), "unix:ino");
        progress.clear();
        assertEquals(first, prepare());
        assertEquals(first, host.bootFiles().prepare(NEWEST, false, progress::add));
        assertEquals(inode, Files.getAttribute(first.initrd(), "unix:ino"));
        assertEquals(List.of(), List.copyOf(progress));
    }

    @Test
    void prepare_initChanged_makesAnotherInitrdAndKeepsTheKernel() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet first = prepare();
        FakeHost.executable(host.guest.resolve("init"), "the Init");
        BootFileSet second = prepare();
        assertNotEquals(first.digest(), second.digest());
        assertNotEquals(first.initrd(), second.initrd());
        assertEquals(first.kernel(), second.kernel());
    }

    @Test
    void prepare_productDamaged_isMadeAgain() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet first = prepare();
        byte[] kernel = Files.readAllBytes(first.kernel());
        Files.writeString(first.kernel(), "damage");
        Files.write(first.initrd(), new byte[(int) Files.size(first.initrd())]);
        assertEquals(first, prepare());
        assertArrayEquals(kernel, Files.readAllBytes(first.kernel()));
        assertEquals("the init", readArchive(first.initrd()).get("100755 init"));
    }

    @Test
    void prepare_productRemoved_isMadeAgain() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet first = prepare();
        Files.delete(first.kernel());
        assertEquals(first, prepare());
        assertTrue(Files.exists(first.kernel()));
    }

    @Test
    void prepare_everyOtherFileDamaged_givesTheSame() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet first = prepare();
        for (String damage :
                List.of("", "\n\n", "\u0000\u00ff garbage \n 1 2 3\n", "0".repeat(64) + "\nx 1,2,3,4,5 /boot\n")) {
            for (String name : files().toList()) {
                Path file = host.state.resolve("boot").resolve(name);
                if (!file.equals(first.kernel()) && !file.equals(first.initrd())) {
                    Files.writeString(file, damage, StandardCharsets.ISO_8859_1);
                }
            }
            assertEquals(first, host.bootFiles().prepare(NEWEST, false, progress::add));
        }
    }

    @Test
    void prepare_productTouchedOrUnreadable_isRepaired() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet first = prepare();
        Object inode = Files.getAttribute(first.kernel(), "unix:ino");
        Files.setPosixFilePermissions(first.kernel(), PosixFilePermissions.fromString("rw-------"));
        assertEquals(first, prepare());
        assertEquals("rw-r--r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(first.kernel())));
        assertEquals(inode, Files.getAttribute(first.kernel(), "unix:ino"));
    }

    @Test
    void prepare_products_areReadableByAnyUser() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet set = prepare();
        for (Path file : List.of(set.kernel(), set.initrd())) {
            assertEquals("rw-r--r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
        assertEquals(
                "rwxr-xr-x",
                PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(set.kernel().getParent())));
    }

    @Test
    void prepare_eightThreadsAndTwoAgents_makeOneSet() throws Exception {
        host.addKernel(RELEASE);
        List<CachedBootFiles> agents = List.of(host.bootFiles(), host.bootFiles());
        CyclicBarrier start = new CyclicBarrier(8);
        List<Callable<BootFileSet>> calls = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            CachedBootFiles agent = agents.get(i % 2);
            calls.add(() -> {
                start.await(30, TimeUnit.SECONDS);
                BootFileSet set = agent.prepare(NEWEST, false, progress::add);
                assertArrayEquals(FakeHost.vmlinux(RELEASE, true), Files.readAllBytes(set.kernel()));
                return set;
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            BootFileSet expected = null;
            for (Future<BootFileSet> result : threads.invokeAll(calls, 60, TimeUnit.SECONDS)) {
                expected = expected == null ? result.get() : expected;
                assertEquals(expected, result.get());
            }
        }
        assertTrue(progress.size() <= 2, progress.toString());
        assertEquals(
                List.of("initrd", "initrd", "kernel", "kernel"),
                files().filter(name -> !name.equals("digests"))
                        .map(name -> name.replaceFirst("-.*", ""))
                        .sorted()
                        .toList());
    }

    @Test
    void prepare_manyProducts_removesThoseUnusedForLong() throws Exception {
        host.addKernel(RELEASE);
        List<Path> initrds = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            FakeHost.executable(host.guest.resolve("init"), "init " + i);
            initrds.add(prepare().initrd());
            if (i < 4) {
                age(initrds.get(i), Duration.ofHours(9 - i));
            }
        }
        List<Boolean> kept = initrds.stream().map(Files::exists).toList();
        // Three of the last hour, and the last used of the old ones.
        assertEquals(List.of(false, false, false, true, true, true, true), kept);
    }

    @Test
    void prepare_manyProductsInUse_removesNone() throws Exception {
        host.addKernel(RELEASE);
        for (int i = 0; i < 6; i++) {
            FakeHost.executable(host.guest.resolve("init"), "init " + i);
            prepare();
        }
        FakeHost.executable(host.guest.resolve("init"), "the last");
        prepare();
        assertEquals(
                7,
                files().filter(name -> name.startsWith("initrd") && !name.endsWith(".seal"))
                        .count());
    }

    @Test
    void removeAbandoned_whatNobodyWritesAnyMore_isGone() throws Exception {
        host.addKernel(RELEASE);
        prepare();
        List<String> made = files().toList();
        // No process has a number beyond the kernel's largest, 4194304.
        Files.writeString(host.state.resolve("boot/.tmp-4194305-1"), "of an agent that was killed");
        Path underWay = Files.writeString(
                host.state.resolve("boot/.tmp-" + ProcessHandle.current().pid() + "-1"), "of another agent");

        host.bootFiles().removeAbandoned();

        assertTrue(Files.exists(underWay));
        Files.delete(underWay);
        assertEquals(made, files().toList());
    }

    @Test
    void prepare_oldProductUsed_countsAsUse() throws Exception {
        host.addKernel(RELEASE);
        BootFileSet set = prepare();
        age(set.initrd(), Duration.ofHours(5));
        prepare();
        Path seal = set.initrd().resolveSibling(set.initrd().getFileName() + ".seal");
        assertTrue(Files.getLastModifiedTime(seal)
                .toInstant()
                .isAfter(Instant.now().minusSeconds(60)));
    }

    private static void age(Path product, Duration age) throws IOException {
        Path seal = product.resolveSibling(product.getFileName() + ".seal");
        Files.setLastModifiedTime(seal, FileTime.from(Instant.now().minus(age)));
    }

    private Path addCloudKernel() throws IOException {
        Map<String, String> modules = new HashMap<>(FakeHost.MODULES);
        modules.keySet().removeIf(name -> name.contains("9p"));
        host.addModules("6.1.0-9-cloud-amd64", modules);
        return host.addImage("6.1.0-9-cloud-amd64", "lz4");
    }

    private BootFileSet prepare() throws SandboxException {
        return host.bootFiles().prepare(NEWEST, false, progress::add);
    }

    private Stream<String> files() {
        try (Stream<Path> files = Files.list(host.state.resolve("boot"))) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toList()).stream();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void assertFails(KernelChoice choice, Code code, String... reasons) {
        SandboxException e =
                assertThrows(SandboxException.class, () -> host.bootFiles().prepare(choice, false, progress::add));
        assertEquals(code, e.code(), e.getMessage());
        for (String reason : reasons) {
            assertTrue(String.valueOf(e.getMessage()).contains(reason), e.getMessage());
        }
    }

    /** Returns contents by mode (octal) and name, in the archive's order. */
    static Map<String, String> readArchive(Path initrd) throws IOException {
        Map<String, String> contents = new LinkedHashMap<>();
        try (InputStream in = Files.newInputStream(initrd);
                CpioArchiveInputStream archive = new CpioArchiveInputStream(in)) {
            long inode = 1;
            for (CpioArchiveEntry entry = archive.getNextEntry(); entry != null; entry = archive.getNextEntry()) {
                assertEquals(inode++, entry.getInode());
                assertEquals(0, entry.getTime());
                contents.put(
                        Long.toOctalString(entry.getMode()) + " " + entry.getName(),
                        new String(archive.readAllBytes(), StandardCharsets.ISO_8859_1));
            }
        }
        return contents;
    }
}
