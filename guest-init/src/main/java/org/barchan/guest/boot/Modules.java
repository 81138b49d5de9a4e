package org.barchan.guest.boot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.barchan.guest.syscall.Errno;
import org.barchan.guest.syscall.Linux;

/** The kernel modules in the initrd. Their order was worked out on the host, from modules.dep. */
public final class Modules {
    private static final Path DIRECTORY = Path.of("/modules");
    private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_.+-]+\\.ko");
    /** The kernel would read all of a file again, and sort its symbols, before it says that it has the module. */
    private static final Set<String> LOADED = ConcurrentHashMap.newKeySet();

    private Modules() {}

    /** Returns the modules that the link needs, in order of loading. */
    public static List<String> bootList() throws IOException {
        return Files.readAllLines(DIRECTORY.resolve("boot.list"));
    }

    /** Loads modules; one that is loaded already is no error. */
    public static void load(List<String> fileNames) throws Errno {
        for (String fileName : fileNames) {
            if (!FILE_NAME.matcher(fileName).matches()) {
                throw new IllegalArgumentException(
                        "kernel module: " + fileName + " (expected: a file name, " + FILE_NAME + ")");
            }
            if (!LOADED.contains(fileName)) {
                Linux.loadModule(DIRECTORY + "/" + fileName);
                LOADED.add(fileName);
            }
        }
    }
}
