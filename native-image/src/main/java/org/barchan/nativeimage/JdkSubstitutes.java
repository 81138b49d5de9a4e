package org.barchan.nativeimage;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/**
 * What the builder finds in a GraalVM distribution and a stock JDK lacks, made below a work directory: a directory that looks like a
 * distribution's (links to the JDK's files), headers, C libraries, and static JDK libraries that are in truth the JDK's shared ones.
 *
 * @param home the builder's java.home
 * @param cLibraries for -H:CLibraryPath
 * @param libjvm directory of the libjvm.so that the executable is to be loaded with
 * @param stubs names of the functions of that libjvm.so that abort
 */
record JdkSubstitutes(Path home, Path cLibraries, Path libjvm, Set<String> stubs) {
    /** The JDK libraries that an image may be linked with. Those that it reaches nothing of are left out by the builder. */
    static final List<String> JDK_LIBRARIES =
            List.of("java", "nio", "net", "zip", "extnet", "prefs", "management", "management_ext");

    private static final List<String> SOURCES =
            List.of("libchelper.c", "libsvm_container.c", "libjvm.c", "libreporterchelper.c");
    /** As in the JDK's own libjvm.so: its libraries ask for the symbols by this version. */
    private static final String SYMBOL_VERSIONS = "SUNWprivate_1.1 { global: JVM_*; jio_*; local: *; };\n";

    static JdkSubstitutes make(Path jdk, Path svmJar, Path work, Tool tool) throws BuildException {
        try {
            Path sources = Files.createDirectories(work.resolve("c"));
            for (String source : SOURCES) {
                try (InputStream in = JdkSubstitutes.class.getResourceAsStream("c/" + source)) {
                    if (in == null) {
                        throw new BuildException("the driver's own file c/" + source + " is missing; build it again");
                    }
                    Files.copy(in, sources.resolve(source), StandardCopyOption.REPLACE_EXISTING);
                }
            }
            Path home = work.resolve("home");
            Path builderLibraries = Files.createDirectories(home.resolve("lib/svm/builder/lib"));
            Path staticLibraries = Files.createDirectories(home.resolve("lib/static/linux-amd64/glibc"));
            Path cLibraries = work.resolve("clibraries");
            Path include = Files.createDirectories(cLibraries.resolve("include"));
            Path libjvm = Files.createDirectories(work.resolve("libjvm"));
            linkJdk(jdk, home);
            writeHeaders(svmJar, include);
            shared(
                    tool,
                    builderLibraries.resolve("libreporterchelper.so"),
                    List.of(sources.resolve("libreporterchelper.c")));
            archive(tool, sources.resolve("libchelper.c"), include, cLibraries.resolve("liblibchelper.a"));
            archive(tool, sources.resolve("libsvm_container.c"), include, cLibraries.resolve("libsvm_container.a"));
            Set<String> stubs = makeLibjvm(jdk, sources, libjvm.resolve("libjvm.so"), tool);
            // To the linker, a text file in place of a library is a script.
            Files.writeString(cLibraries.resolve("libjvm.a"), "INPUT(" + libjvm.resolve("libjvm.so") + ")\n");
            for (String name : JDK_LIBRARIES) {
                Path library = jdk.resolve("lib/lib" + name + ".so");
                if (Files.exists(library)) {
                    Files.writeString(staticLibraries.resolve("lib" + name + ".a"), "INPUT(" + library + ")\n");
                }
            }
            return new JdkSubstitutes(home, cLibraries, libjvm, stubs);
        } catch (IOException | UncheckedIOException e) {
            throw new BuildException("can't make the builder's files below " + work + ": " + e, e);
        }
    }

    private static void linkJdk(Path jdk, Path home) throws IOException {
        for (Path directory : List.of(jdk, jdk.resolve("lib"))) {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Path link = home.resolve(jdk.relativize(file));
                    boolean isLib = file.equals(jdk.resolve("lib"));
                    if (!isLib && !Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
                        Files.createSymbolicLink(link, file);
                    }
                }
            }
        }
    }

    private static void writeHeaders(Path svmJar, Path include) throws IOException, BuildException {
        try (ZipFile svm = new ZipFile(svmJar.toFile())) {
            for (StructHeader header : StructHeader.ALL) {
                Files.writeString(include.resolve(header.fileName()), header.derive(svm));
            }
        }
    }

    /** Makes libjvm.so: the functions of libjvm.c, and a stub for each other one that the JDK's libraries import. Returns the stubs. */
    private static Set<String> makeLibjvm(Path jdk, Path sources, Path library, Tool tool)
            throws IOException, BuildException {
        Path versions = Files.writeString(sources.resolve("libjvm.version"), SYMBOL_VERSIONS);
        String linkerOptions = "-Wl,-soname,libjvm.so,--version-script=" + versions;
        shared(tool, library, List.of(sources.resolve("libjvm.c")), linkerOptions);
        Set<String> real = ElfFile.read(library).defined().keySet();
        Set<String> stubs = new TreeSet<>();
        for (String name : JDK_LIBRARIES) {
            Path jdkLibrary = jdk.resolve("lib/lib" + name + ".so");
            if (Files.exists(jdkLibrary)) {
                ElfFile.read(jdkLibrary).undefined().stream()
                        .filter(symbol -> symbol.startsWith("JVM_") && !real.contains(symbol))
                        .forEach(stubs::add);
            }
        }
        Path stubSource = Files.writeString(sources.resolve("stubs.c"), stubSource(stubs));
        shared(tool, library, List.of(sources.resolve("libjvm.c"), stubSource), linkerOptions);
        return Set.copyOf(stubs);
    }

    /** The check of the executable should make these unreachable; if it was wrong, the name in the output says what is missing. */
    static String stubSource(Set<String> stubs) {
        StringBuilder source = new StringBuilder("""
                #include <stdlib.h>
                #include <string.h>
                #include <unistd.h>
                static _Noreturn void missing(const char *name) {
                    static const char message[] = "fatal: the native image has no ";
                    if (write(2, message, sizeof message - 1) < 0 || write(2, name, strlen(name)) < 0 || write(2, "\\n", 1) < 0) {
                        abort();
                    }
                    abort();
                }
                """);
        for (String stub : new TreeSet<>(stubs)) {
            source.append("void ")
                    .append(stub)
                    .append("(void) { missing(\"")
                    .append(stub)
                    .append("\"); }\n");
        }
        return source.toString();
    }

    private static void shared(Tool tool, Path library, List<Path> sources, String... linkerOptions)
            throws BuildException {
        List<String> command = compile("-shared", "-s", "-o", library.toString());
        command.addAll(List.of(linkerOptions));
        sources.forEach(source -> command.add(source.toString()));
        tool.run("compile " + library.getFileName(), command);
    }

    private static void archive(Tool tool, Path source, Path include, Path archive) throws IOException, BuildException {
        Path object = source.resolveSibling(source.getFileName() + ".o");
        tool.run(
                "compile " + archive.getFileName(),
                compile("-c", "-I" + include, "-o", object.toString(), source.toString()));
        Files.deleteIfExists(archive);
        tool.run("pack " + archive.getFileName(), List.of("ar", "rcs", archive.toString(), object.toString()));
    }

    private static List<String> compile(String... arguments) {
        List<String> command = new ArrayList<>(List.of(Tool.compiler(), "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC"));
        command.addAll(List.of(arguments));
        return command;
    }
}
