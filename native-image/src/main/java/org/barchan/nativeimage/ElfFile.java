package org.barchan.nativeimage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What the dynamic loader reads of an ELF file: see elf(5). 64-bit little-endian files only.
 *
 * @param interpreter the dynamic loader that the file asks for
 * @param needed names of the libraries that are loaded with the file (DT_NEEDED), in order
 * @param undefined names of the dynamic symbols that other files must bring
 * @param defined the dynamic symbols that the file brings, with their addresses
 */
record ElfFile(Optional<String> interpreter, List<String> needed, Set<String> undefined, Map<String, Long> defined) {
    private static final int PT_LOAD = 1;
    private static final int PT_DYNAMIC = 2;
    private static final int PT_INTERP = 3;
    private static final int DT_NEEDED = 1;
    private static final int DT_STRTAB = 5;
    private static final int SHT_DYNSYM = 11;
    private static final int PROGRAM_HEADER_SIZE = 56;
    private static final int SECTION_HEADER_SIZE = 64;
    private static final int SYMBOL_SIZE = 24;

    /**
     * Reads a file.
     *
     * @throws BuildException if it can't be read or is no such file
     */
    static ElfFile read(Path file) throws BuildException {
        try {
            return parse(ByteBuffer.wrap(Files.readAllBytes(file)));
        } catch (IOException e) {
            throw new BuildException("can't read " + file + ": " + e, e);
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new BuildException(file + " is no 64-bit little-endian ELF file: " + e.getMessage(), e);
        }
    }

    private static ElfFile parse(ByteBuffer bytes) {
        ByteBuffer elf = bytes.order(ByteOrder.LITTLE_ENDIAN);
        if (elf.remaining() < 64 || elf.getInt(0) != 0x464c457f || elf.get(4) != 2 || elf.get(5) != 1) {
            throw new IllegalArgumentException("its header is another");
        }
        Optional<String> interpreter = Optional.empty();
        List<String> needed = List.of();
        int programHeaders = Math.toIntExact(elf.getLong(32));
        for (int i = 0; i < elf.getShort(56); i++) {
            int header = programHeaders + i * PROGRAM_HEADER_SIZE;
            int offset = Math.toIntExact(elf.getLong(header + 8));
            switch (elf.getInt(header)) {
                case PT_INTERP -> interpreter = Optional.of(string(elf, offset));
                case PT_DYNAMIC -> needed = needed(elf, offset, Math.toIntExact(elf.getLong(header + 32)));
                default -> {}
            }
        }
        Set<String> undefined = new TreeSet<>();
        Map<String, Long> defined = new TreeMap<>();
        symbols(elf, undefined, defined);
        return new ElfFile(interpreter, needed, Set.copyOf(undefined), Map.copyOf(defined));
    }

    private static List<String> needed(ByteBuffer elf, int offset, int size) {
        List<Integer> names = new ArrayList<>();
        int strings = 0;
        for (int entry = offset; entry < offset + size; entry += 16) {
            long value = elf.getLong(entry + 8);
            long tag = elf.getLong(entry);
            if (tag == DT_NEEDED) {
                names.add(Math.toIntExact(value));
            } else if (tag == DT_STRTAB) {
                strings = fileOffset(elf, value);
            }
        }
        int table = strings;
        return names.stream().map(name -> string(elf, table + name)).toList();
    }

    /** Where in the file an address of the loaded program lies. */
    private static int fileOffset(ByteBuffer elf, long address) {
        int programHeaders = Math.toIntExact(elf.getLong(32));
        for (int i = 0; i < elf.getShort(56); i++) {
            int header = programHeaders + i * PROGRAM_HEADER_SIZE;
            long start = elf.getLong(header + 16);
            if (elf.getInt(header) == PT_LOAD && address >= start && address < start + elf.getLong(header + 32)) {
                return Math.toIntExact(elf.getLong(header + 8) + address - start);
            }
        }
        throw new IllegalArgumentException("no segment holds address " + address);
    }

    private static void symbols(ByteBuffer elf, Set<String> undefined, Map<String, Long> defined) {
        int sectionHeaders = Math.toIntExact(elf.getLong(40));
        for (int i = 0; i < elf.getShort(60); i++) {
            int section = sectionHeaders + i * SECTION_HEADER_SIZE;
            if (elf.getInt(section + 4) == SHT_DYNSYM) {
                int start = Math.toIntExact(elf.getLong(section + 24));
                int end = start + Math.toIntExact(elf.getLong(section + 32));
                int strings = Math.toIntExact(
                        elf.getLong(sectionHeaders + elf.getInt(section + 40) * SECTION_HEADER_SIZE + 24));
                for (int symbol = start + SYMBOL_SIZE; symbol < end; symbol += SYMBOL_SIZE) {
                    String name = string(elf, strings + elf.getInt(symbol));
                    if (elf.getShort(symbol + 6) == 0) {
                        undefined.add(name);
                    } else {
                        defined.put(name, elf.getLong(symbol + 8));
                    }
                }
            }
        }
    }

    private static String string(ByteBuffer elf, int offset) {
        int end = offset;
        while (elf.get(end) != 0) {
            end++;
        }
        return StandardCharsets.UTF_8.decode(elf.slice(offset, end - offset)).toString();
    }
}
