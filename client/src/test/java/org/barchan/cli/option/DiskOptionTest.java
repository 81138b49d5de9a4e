package org.barchan.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.barchan.client.Disk;
import org.barchan.client.DiskImage;
import org.barchan.client.ImageFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DiskOptionTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``                          | unknown part ''",
                "a=/b                        | unknown part 'a'",
                "file:a                      | no tag",
                "file:=/b                    | no tag",
                "file:a=                     | no src",
                "tag=a                       | no src",
                "src=/b                      | no tag",
                "tag=a b,src=/b              | 'a b' is no disk's tag",
                "tag=../a,src=/b             | '../a' is no disk's tag",
                "tag=a,src=/b,overlay        | unknown part 'overlay'",
                "tag=a,src=/b,ro,rw          | both ro and rw",
                "tag=a,src=/b,rw=yes         | rw=yes (expected: true or false)",
                "file:a=/b,format=vdi        | format=vdi (expected: raw, qcow2 or auto"
            })
    void parse_bad_saysWhat(String text, String problem) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> parse(text));
        String message = String.valueOf(e.getMessage());
        assertTrue(message.startsWith("invalid value for option '--disk': '" + text + "': "), message);
        assertTrue(message.contains(problem), message);
    }

    @Test
    void parse_isReadOnlyUnlessItSaysOtherwise() {
        assertEquals(disk("/cwd/b", ImageFormat.AUTO, false), parse("tag=a,src=b"));
        assertEquals(disk("/b", ImageFormat.RAW, true), parse("tag=a,source=/b,format=raw,rw"));
        assertEquals(disk("/b", ImageFormat.AUTO, true), parse("tag=a,src=/b,readonly=false"));
        assertEquals(disk("/b", ImageFormat.AUTO, false), parse("tag=a,src=/b,rw=false"));
    }

    @Test
    void parse_asThePredecessorHadIt_isWritten() {
        assertEquals(disk("/b=c", ImageFormat.AUTO, true), parse("file:a=/b=c"));
        assertEquals(disk("/b", ImageFormat.QCOW2, true), parse("file:a=/b,format=qcow2"));
        assertEquals(disk("/b", ImageFormat.AUTO, false), parse("file:a=/b,ro"));
    }

    @Test
    void text_isReadBack() {
        for (ImageFormat format : ImageFormat.values()) {
            Disk disk = disk("/a,\"b=c", format, format == ImageFormat.RAW);
            assertEquals(disk, parse(DiskOption.text(disk)));
        }
    }

    private static Disk disk(String source, ImageFormat format, boolean writable) {
        return new Disk("a", new DiskImage(source, format), writable);
    }

    private static Disk parse(String text) {
        return DiskOption.parse(text, path -> path.startsWith("/") ? path : "/cwd/" + path);
    }
}
