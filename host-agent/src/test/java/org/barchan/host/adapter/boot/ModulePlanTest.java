package org.barchan.host.adapter.boot;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.barchan.host.port.BootFiles.Feature;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModulePlanTest {
    @TempDir
    Path temporary;

    private FakeHost host;
    private Path directory;

    @BeforeEach
    void setUp() throws IOException {
        host = new FakeHost(temporary);
        directory = host.addModules(FakeHost.RELEASE, FakeHost.MODULES);
    }

    @Test
    void of_noModulesDep_isNoSuchFile() throws IOException {
        Files.delete(directory.resolve("modules.dep"));
        assertThrows(NoSuchFileException.class, () -> ModulePlan.of(directory));
    }

    @Test
    void of_circle_namesIt() throws IOException {
        replace("kernel/net/9p/9pnet.ko: ", "kernel/net/9p/9pnet.ko: kernel/fs/9p/9p.ko");
        assertFails("9pnet -> 9p -> 9pnet");
    }

    @Test
    void of_dependencyOnItself_namesIt() throws IOException {
        replace("kernel/net/9p/9pnet.ko: ", "kernel/net/9p/9pnet.ko: kernel/net/9p/9pnet.ko");
        assertFails("9pnet -> 9pnet");
    }

    @Test
    void of_dependencyThatIsNotThere_namesIt() throws IOException {
        replace("kernel/net/9p/9pnet.ko: ", "kernel/net/9p/9pnet.ko: kernel/lib/gone.ko");
        assertFails("kernel/lib/gone.ko, which is not there");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../../../../etc/passwd", "../9p.ko", "/etc/x.ko", "kernel/lib/x\0y.ko", "README", "..", "/"})
    void of_dependencyThatIsNoModuleOfTheDirectory_isRefused(String dependency) throws IOException {
        replace("kernel/net/9p/9pnet.ko: ", "kernel/net/9p/9pnet.ko: " + dependency);
        assertThrows(IOException.class, () -> ModulePlan.of(directory));
    }

    @Test
    void of_unknownLines_areIgnored() throws IOException {
        replace("kernel/net/9p/9pnet.ko: ", "garbage\n\n:::\n\0\u00ff/: ..\nkernel/net/9p/9pnet.ko:");
        assertEquals(List.of(), ModulePlan.of(directory).missing());
    }

    @Test
    void of_kernelWithout9p_needsVirtiofs() throws IOException {
        Map<String, String> modules = new HashMap<>(FakeHost.MODULES);
        modules.keySet().removeIf(name -> name.contains("9p"));
        assertEquals(
                List.of("9p", "virtiofs"),
                ModulePlan.of(host.addModules("old", modules)).missing());
        modules.put("kernel/fs/fuse/fuse.ko", "");
        modules.put("kernel/fs/fuse/virtiofs.ko", "kernel/fs/fuse/fuse.ko kernel/drivers/virtio/virtio.ko");
        ModulePlan plan = ModulePlan.of(host.addModules("cloud", modules));
        assertEquals(List.of(), plan.missing());
        assertEquals(List.of("fuse.ko", "virtiofs.ko"), names(plan, Feature.VIRTIOFS));
    }

    @Test
    void of_everything_ordersByDependency() throws IOException {
        ModulePlan plan = ModulePlan.of(directory);
        assertEquals(List.of("virtio.ko", "virtio_ring.ko", "virtio_pci.ko", "virtio-console.ko"), names(plan.link()));
        assertEquals(List.of("9pnet.ko", "9pnet_virtio.ko", "9p.ko"), names(plan, Feature.NINEP));
    }

    @Test
    void of_builtInModules_needNoFile() throws IOException {
        Files.writeString(
                directory.resolve("modules.builtin"),
                "kernel/drivers/virtio/virtio.ko\nkernel/drivers/virtio/virtio-ring.ko\nkernel/net/9p/9pnet.ko\n");
        Files.delete(directory.resolve("kernel/drivers/virtio/virtio.ko"));
        ModulePlan plan = ModulePlan.of(directory);
        assertEquals(List.of("virtio_pci.ko", "virtio-console.ko"), names(plan.link()));
        assertEquals(List.of("9pnet_virtio.ko", "9p.ko"), names(plan, Feature.NINEP));
    }

    @Test
    void of_allBuiltIn_isEmptyPlan() throws IOException {
        Files.writeString(directory.resolve("modules.dep"), "");
        Files.writeString(
                directory.resolve("modules.builtin"),
                "kernel/virtio_pci.ko\nkernel/virtio-console.ko\nkernel/9pnet_virtio.ko\nkernel/9p.ko\nkernel/overlay.ko\n");
        assertEquals(
                new ModulePlan(List.of(), Map.of(Feature.NINEP, List.of(), Feature.OVERLAY, List.of()), List.of()),
                ModulePlan.of(directory));
    }

    @Test
    void of_kernelWithoutOverlays_hasAllElse() throws IOException {
        ModulePlan plan = ModulePlan.of(directory);
        assertEquals(Set.of(Feature.NINEP), plan.features().keySet());
        assertEquals(List.of(), plan.missing());
        assertEquals(plan.features().get(Feature.NINEP), plan.later());
    }

    @Test
    void of_overlayModule_isLoadedLater() throws IOException {
        Path dep = directory.resolve("modules.dep");
        Files.writeString(dep, Files.readString(dep) + "kernel/fs/overlayfs/overlay.ko:\n");
        Path module = Files.createFile(Files.createDirectories(directory.resolve("kernel/fs/overlayfs"))
                .resolve("overlay.ko"));
        ModulePlan plan = ModulePlan.of(directory);
        assertEquals(List.of(module), plan.features().get(Feature.OVERLAY));
        assertEquals(module, plan.later().getLast());
    }

    /** Where drivers that are not the kernel's own are installed. */
    @ParameterizedTest
    @ValueSource(strings = {"updates/dkms", "extra"})
    void of_modulesThatAreNotTheKernelsOwn_areFound(String place) throws IOException {
        Path module = Files.createDirectories(directory.resolve(place)).resolve("9p.ko");
        Files.move(directory.resolve("kernel/fs/9p/9p.ko"), module);
        replace("kernel/fs/9p/9p.ko:", place + "/9p.ko:");
        assertEquals(
                module,
                requireNonNull(ModulePlan.of(directory).features().get(Feature.NINEP))
                        .getLast());
    }

    @Test
    void of_compressedNames_loseTheirSuffix() throws IOException {
        for (String suffix : List.of(".gz", ".xz", ".zst")) {
            Files.move(directory.resolve("kernel/fs/9p/9p.ko"), directory.resolve("kernel/fs/9p/9p.ko" + suffix));
            replace("kernel/fs/9p/9p.ko:", "kernel/fs/9p/9p.ko" + suffix + ":");
            assertEquals("9p.ko", names(ModulePlan.of(directory), Feature.NINEP).getLast());
            Files.move(directory.resolve("kernel/fs/9p/9p.ko" + suffix), directory.resolve("kernel/fs/9p/9p.ko"));
            replace("kernel/fs/9p/9p.ko" + suffix + ":", "kernel/fs/9p/9p.ko:");
        }
    }

    private static List<String> names(ModulePlan plan, Feature feature) {
        return names(requireNonNull(plan.features().get(feature)));
    }

    private static List<String> names(List<Path> modules) {
        return modules.stream().map(ModulePlan::fileName).toList();
    }

    private void replace(String old, String text) throws IOException {
        Path dep = directory.resolve("modules.dep");
        String content = Files.readString(dep);
        assertTrue(content.contains(old), content);
        Files.writeString(dep, content.replace(old, text));
    }

    private void assertFails(String reason) {
        IOException e = assertThrows(IOException.class, () -> ModulePlan.of(directory));
        assertTrue(String.valueOf(e.getMessage()).contains(reason), e.getMessage());
        assertTrue(String.valueOf(e.getMessage()).contains("modules.dep"), e.getMessage());
    }
}
