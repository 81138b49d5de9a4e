package org.barchan.nativeimage;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Finds the shared libraries that an executable is loaded with. */
final class LibraryClosure {
    private final List<Path> directories;
    private final Tool tool;

    /**
     * Looks in directories first, then where the C compiler does.
     *
     * @param directories in order of preference
     */
    LibraryClosure(List<Path> directories, Tool tool) {
        this.directories = List.copyOf(directories);
        this.tool = tool;
    }

    /**
     * Returns the libraries that the executable needs, and that those need, by name. The dynamic loader is not among them when it is only
     * the interpreter of the executable.
     *
     * @throws BuildException if one is not found
     */
    SortedMap<String, Path> of(Path executable) throws BuildException {
        SortedMap<String, Path> found = new TreeMap<>();
        Deque<Map.Entry<String, Path>> open = new ArrayDeque<>();
        open.add(Map.entry(executable.getFileName().toString(), executable));
        while (!open.isEmpty()) {
            Map.Entry<String, Path> file = open.remove();
            for (String name : ElfFile.read(file.getValue()).needed()) {
                if (!found.containsKey(name)) {
                    Path library = find(name)
                            .orElseThrow(() -> new BuildException("library " + name + ", which " + file.getValue()
                                    + " needs, is neither in " + directories + " nor known to " + Tool.compiler()
                                    + "; install the package that has it"));
                    found.put(name, library);
                    open.add(Map.entry(name, library));
                }
            }
        }
        return found;
    }

    private Optional<Path> find(String name) throws BuildException {
        for (Path directory : directories) {
            Path library = directory.resolve(name);
            if (Files.exists(library)) {
                return Optional.of(library);
            }
        }
        // The compiler prints a path if it has the file, else the name alone.
        Path answer = Path.of(tool.run("find " + name, List.of(Tool.compiler(), "-print-file-name=" + name))
                .trim());
        return Optional.of(answer).filter(Path::isAbsolute).filter(Files::exists);
    }
}
