package org.barchan.host.adapter.boot;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.barchan.host.port.BootFiles.Feature;

/**
 * Which module files a guest loads, in an order in which each comes after all that it depends on. Which modules depend on which,
 * and which are part of the kernel itself, is what depmod wrote (see modules.dep(5)).
 *
 * @param link what is needed before the guest finds its port
 * @param features what is needed, on top of that, for each feature that the kernel has
 * @param missing the modules that no sandbox can do without and this kernel does not have, by name
 */
record ModulePlan(List<Path> link, Map<Feature, List<Path>> features, List<String> missing) {
    static final String DEPENDENCIES = "modules.dep";
    static final String BUILT_IN = "modules.builtin";

    /** The only modules known by name; all others follow from them. */
    private static final List<String> LINK = List.of("virtio_pci", "virtio_console");

    private static final Map<Feature, List<String>> FEATURES = Map.of(
            Feature.NINEP, List.of("9pnet_virtio", "9p"),
            Feature.VIRTIOFS, List.of("virtiofs"),
            Feature.OVERLAY, List.of("overlay"),
            Feature.BLOCK, List.of("virtio_blk"),
            Feature.EXT4, List.of("ext4"),
            Feature.XFS, List.of("xfs"),
            Feature.BTRFS, List.of("btrfs"),
            Feature.SQUASHFS, List.of("squashfs"),
            Feature.EROFS, List.of("erofs"));

    /** What a file system asks the kernel's crypto library for by another name; younger kernels have it without a module. */
    private static final Map<Feature, List<String>> OPTIONAL = Map.of(
            Feature.EXT4, List.of("crc32c_generic"),
            Feature.XFS, List.of("crc32c_generic"),
            Feature.EROFS, List.of("crc32c_generic"),
            Feature.BTRFS, List.of("crc32c_generic", "xxhash_generic", "sha256_generic", "blake2b_generic"));

    private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_-]+\\.ko(?:\\.(?:gz|xz|zst))?");

    ModulePlan {
        link = List.copyOf(link);
        features = Collections.unmodifiableMap(new EnumMap<>(features));
        missing = List.copyOf(missing);
    }

    /**
     * Reads a module directory.
     *
     * @throws java.nio.file.NoSuchFileException if it has no {@code modules.dep}
     * @throws IOException with a message for the user, if that is damaged
     */
    static ModulePlan of(Path directory) throws IOException {
        return new Resolver(directory).resolve();
    }

    /** Returns a plan without what only guests with disks need. */
    ModulePlan withoutDisks() {
        Map<Feature, List<Path>> fewer = new EnumMap<>(features);
        fewer.keySet().removeIf(Feature::isForDisks);
        return new ModulePlan(link, fewer, missing);
    }

    /** Returns all that are not loaded before the link is there. */
    List<Path> later() {
        return features.values().stream().flatMap(List::stream).distinct().toList();
    }

    /** Returns the name of a module's file in the initrd. */
    static String fileName(Path module) {
        String name = module.getFileName().toString();
        return name.substring(0, name.indexOf('.')) + ".ko";
    }

    private static final class Resolver {
        private final Path directory;
        private final Map<String, String> lines = new HashMap<>();
        private final Set<String> builtIn = new HashSet<>();
        private final Map<String, Path> placed = new LinkedHashMap<>();
        private final Set<String> visiting = new LinkedHashSet<>();

        Resolver(Path directory) throws IOException {
            this.directory = directory;
            for (String line : read(DEPENDENCIES)) {
                int colon = line.indexOf(':');
                if (colon > 0) {
                    lines.put(moduleName(line.substring(0, colon)), line);
                }
            }
            if (Files.exists(directory.resolve(BUILT_IN))) {
                for (String line : read(BUILT_IN)) {
                    builtIn.add(moduleName(line));
                }
            }
        }

        ModulePlan resolve() throws IOException {
            List<String> missing = new ArrayList<>();
            for (String name : LINK) {
                place(name, missing);
            }
            List<Path> link = List.copyOf(placed.values());
            Map<String, Path> linked = new LinkedHashMap<>(placed);
            Map<Feature, List<Path>> features = new EnumMap<>(Feature.class);
            for (Feature feature : Feature.values()) {
                placed.clear();
                placed.putAll(linked);
                for (String name : OPTIONAL.getOrDefault(feature, List.of())) {
                    place(name, new ArrayList<>());
                }
                List<String> without = new ArrayList<>();
                for (String name : requireNonNull(FEATURES.get(feature))) {
                    place(name, without);
                }
                if (without.isEmpty()) {
                    features.put(feature, List.copyOf(placed.values()).subList(link.size(), placed.size()));
                }
            }
            if (!features.containsKey(Feature.NINEP) && !features.containsKey(Feature.VIRTIOFS)) {
                missing.add("9p");
                missing.add("virtiofs");
            }
            return new ModulePlan(link, features, missing);
        }

        private void place(String name, List<String> missing) throws IOException {
            String line = lines.get(name);
            if (line != null) {
                place(name, line.substring(0, line.indexOf(':')));
            } else if (!builtIn.contains(name)) {
                missing.add(name);
            }
        }

        private void place(String name, String file) throws IOException {
            if (placed.containsKey(name) || builtIn.contains(name)) {
                return;
            }
            if (!visiting.add(name)) {
                throw damaged("its modules depend on each other in a circle: " + String.join(" -> ", visiting) + " -> "
                        + name);
            }
            String line = lines.get(name);
            if (line != null) {
                String dependencies = line.substring(line.indexOf(':') + 1).strip();
                for (String dependency : dependencies.isEmpty() ? new String[0] : dependencies.split("\\s+", -1)) {
                    place(moduleName(dependency), dependency);
                }
            }
            visiting.remove(name);
            placed.put(name, locate(file));
        }

        private Path locate(String file) throws IOException {
            if (!FILE_NAME.matcher(file.substring(file.lastIndexOf('/') + 1)).matches() || file.indexOf('\0') >= 0) {
                throw damaged("it names \"" + file + "\", which is no file of a module");
            }
            Path path = directory.resolve(file).normalize();
            if (!path.startsWith(directory.normalize())) {
                throw damaged("it names " + file + ", which lies elsewhere");
            }
            if (!Files.isRegularFile(path)) {
                throw damaged("it names " + file + ", which is not there");
            }
            return path;
        }

        private List<String> read(String file) throws IOException {
            return Files.readAllLines(directory.resolve(file), StandardCharsets.ISO_8859_1);
        }

        /** Names of modules are the same with "-" and "_". */
        private static String moduleName(String file) {
            String name = file.substring(file.lastIndexOf('/') + 1);
            int dot = name.indexOf('.');
            return (dot < 0 ? name : name.substring(0, dot)).replace('-', '_');
        }

        private IOException damaged(String reason) {
            return new IOException(directory.resolve(DEPENDENCIES) + " does not do: " + reason + "; run depmod "
                    + directory.getFileName());
        }
    }
}
