package org.barchan.nativeimage;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which functions of a stripped shared library refer to which, read from its machine code as objdump prints it. Where functions begin and
 * end is known from the unwind tables, which every C compiler writes on x86-64. A function refers to another when an instruction calls
 * it, jumps to it or takes its address. Not seen: what goes through memory, such as tables of function pointers.
 */
final class CallGraph {
    private static final Pattern FRAME = Pattern.compile(" pc=([0-9a-f]+)\\.\\.([0-9a-f]+)");
    private static final Pattern INSTRUCTION = Pattern.compile("^ *([0-9a-f]+):\t(.*)$");
    private static final Pattern IMPORT = Pattern.compile("<(\\w+)@[^>+]*>");
    private static final Pattern ADDRESS = Pattern.compile("([0-9a-f]+) <[^>]*>$");

    private final Map<String, Long> symbols;
    private final NavigableMap<Long, Function> functions = new TreeMap<>();

    private record Function(long end, Set<String> imports, Set<Long> addresses) {}

    private CallGraph(Map<String, Long> symbols) {
        this.symbols = symbols;
    }

    /**
     * Reads a library.
     *
     * @throws BuildException if objdump can't be run on it
     */
    static CallGraph read(Path library, Tool tool) throws BuildException {
        String name = library.getFileName().toString();
        String frames = tool.run("frames of " + name, List.of("objdump", "--dwarf=frames", library.toString()));
        String code = tool.run(
                "code of " + name, List.of("objdump", "-d", "-j", ".text", "--no-show-raw-insn", library.toString()));
        return parse(ElfFile.read(library).defined(), frames, code);
    }

    static CallGraph parse(Map<String, Long> symbols, String frames, String code) {
        CallGraph graph = new CallGraph(symbols);
        frames.lines()
                .map(FRAME::matcher)
                .filter(Matcher::find)
                .forEach(frame -> graph.functions.put(
                        address(frame.group(1)),
                        new Function(address(frame.group(2)), new HashSet<>(), new HashSet<>())));
        code.lines()
                .map(INSTRUCTION::matcher)
                .filter(Matcher::matches)
                .forEach(line -> graph.add(address(line.group(1)), line.group(2).strip()));
        return graph;
    }

    private void add(long address, String instruction) {
        Map.Entry<Long, Function> entry = functions.floorEntry(address);
        if (entry == null || address >= entry.getValue().end()) {
            return;
        }
        Matcher imported = IMPORT.matcher(instruction);
        Matcher local = ADDRESS.matcher(instruction);
        if (imported.find()) {
            entry.getValue().imports().add(imported.group(1));
        } else if (local.find()) {
            entry.getValue().addresses().add(address(local.group(1)));
        }
    }

    /** Returns the functions of other libraries that a function of this one refers to, itself or through others of this one. */
    Set<String> importsReachedFrom(String symbol) {
        Set<String> reached = new TreeSet<>();
        Set<Long> seen = new HashSet<>();
        Deque<Long> open = new ArrayDeque<>();
        Long start = symbols.get(symbol);
        if (start != null) {
            open.add(start);
        }
        while (!open.isEmpty()) {
            Map.Entry<Long, Function> entry = functions.floorEntry(open.remove());
            if (entry != null && seen.add(entry.getKey())) {
                reached.addAll(entry.getValue().imports());
                open.addAll(entry.getValue().addresses());
            }
        }
        return reached;
    }

    /** Returns whether the library brings a symbol. */
    boolean defines(String symbol) {
        return symbols.containsKey(symbol);
    }

    private static long address(String hexadecimal) {
        return Long.parseUnsignedLong(hexadecimal, 16);
    }
}
