package org.barchan.nativeimage;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Fails the build when an executable can reach a JVM function that is only a stub which aborts.
 *
 * <p>What can be known of a finished executable: the functions that it imports are its undefined dynamic symbols. The builder links only
 * those native methods of the JDK that the program can reach, so these symbols are the roots. From there the machine code of the JDK's
 * libraries is followed, over library boundaries, down to libjvm.so's functions. JNI_OnLoad of each library is a root too.
 *
 * <p>What can't: calls through pointers (the JNI function table, callbacks held in memory), and functions that the program looks up by
 * name at run time. A stub that is reached this way names itself and aborts.
 */
final class StubCheck {
    private final Set<String> stubs;
    private final Map<String, CallGraph> libraries;

    private StubCheck(Set<String> stubs, Map<String, CallGraph> libraries) {
        this.stubs = stubs;
        this.libraries = libraries;
    }

    /**
     * Checks an executable.
     *
     * @param stubs names of the functions that abort
     * @param directories where the JDK's libraries are
     * @throws BuildException if the executable reaches a stub; the message says by what way
     */
    static void check(Path executable, Set<String> stubs, List<Path> directories, Tool tool) throws BuildException {
        Map<String, CallGraph> libraries = new HashMap<>();
        for (Map.Entry<String, Path> library :
                new LibraryClosure(directories, tool).of(executable).entrySet()) {
            boolean isJdk = directories.stream().anyMatch(library.getValue()::startsWith);
            if (isJdk && !library.getKey().equals("libjvm.so")) {
                libraries.put(library.getKey(), CallGraph.read(library.getValue(), tool));
            }
        }
        Set<String> problems =
                new StubCheck(stubs, libraries).reached(ElfFile.read(executable).undefined());
        if (!problems.isEmpty()) {
            throw new BuildException(executable + " reaches JVM functions that exist only in a JVM: "
                    + String.join("; ", problems)
                    + ". Keep the Java code from calling these native methods, write the functions in libjvm.c, or build with a distribution"
                    + " (GRAALVM_HOME)");
        }
    }

    /** Returns the ways to stubs, each as "function > function > stub", empty if there is none. */
    static Set<String> reached(Set<String> imports, Set<String> stubs, Map<String, CallGraph> libraries) {
        return new StubCheck(stubs, libraries).reached(imports);
    }

    private Set<String> reached(Set<String> imports) {
        Set<String> problems = new TreeSet<>();
        Map<String, String> ways = new HashMap<>();
        Deque<String> open = new ArrayDeque<>();
        for (String symbol : new TreeSet<>(imports)) {
            ways.put(symbol, symbol);
            open.add(symbol);
        }
        libraries.forEach((name, library) -> {
            // Each library has its own, so that the name alone does not say which one is meant.
            for (String next : library.importsReachedFrom("JNI_OnLoad")) {
                if (ways.putIfAbsent(next, name + " JNI_OnLoad > " + next) == null) {
                    open.add(next);
                }
            }
        });
        while (!open.isEmpty()) {
            String symbol = open.remove();
            String way = ways.getOrDefault(symbol, symbol);
            if (stubs.contains(symbol)) {
                problems.add(way);
            }
            for (CallGraph library : libraries.values()) {
                if (library.defines(symbol) && !symbol.equals("JNI_OnLoad")) {
                    for (String next : library.importsReachedFrom(symbol)) {
                        if (ways.putIfAbsent(next, way + " > " + next) == null) {
                            open.add(next);
                        }
                    }
                }
            }
        }
        return problems;
    }
}
