package org.barchan.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalInt;
import java.util.OptionalLong;
import org.barchan.client.DiskImage;
import org.barchan.client.ImageFormat;
import org.barchan.client.Mount;
import org.barchan.client.MountMode;
import org.barchan.client.Transport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MountOptionTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``                                     | unknown part ''",
                "type=bind,dst=/a                       | no src",
                "type=bind,src=/a                       | no dst",
                "type=bind,src=,dst=/a                  | no src",
                "src=/a,dst=/b                          | no type",
                "type=volume,src=/a,dst=/b              | unknown type 'volume'",
                "type=bind,src=/a,dst=/b,exec           | unknown part 'exec'",
                "type=bind,src,dst=/b                   | 'src' has no value",
                "type=bind,src=/a,dst=/b,ro,rw          | more than one of",
                "type=bind,src=/a,dst=/b,overlay,scratch | more than one of",
                "type=bind,src=/a,dst=/b,ro=yes         | ro=yes (expected: true or false)",
                "type=bind,src=/a,src=/c,dst=/b         | 'src' is there twice",
                "type=bind,src=/a,source=/c,dst=/b      | 'source' is there twice",
                "type=bind,src=/a,dst=/b,mode=0700      | 'mode' does not go with type=bind",
                "type=bind,src=/a,dst=/b,size=1M        | none without an overlay",
                "type=bind,src=/a,dst=/b,transport=nfs  | transport='nfs' (expected: auto, 9p or virtiofs)",
                "type=bind,src=/a,dst=/b,transport      | 'transport' has no value",
                "type=tmpfs,dst=/b,transport=9p         | 'transport' does not go with type=tmpfs",
                "type=bind,src=/a,dst=b                 | absolute",
                "type=tmpfs,src=/a,dst=/b               | 'src' does not go with type=tmpfs",
                "type=tmpfs,dst=/b,overlay              | 'overlay' does not go with type=tmpfs",
                "type=tmpfs,dst=/b,size=big             | 'big' is no size",
                "type=tmpfs,dst=/b,mode=rwx             | mode=rwx (expected: permission bits in octal",
                "type=guest-bind,src=/a,dst=/b,size=1M  | 'size' does not go with type=guest-bind",
                "type=bind,\"src=/a,dst=/b              | a double quote is not closed",
                "host-bind:/a                           | no destination (expected: host-bind:DST=SRC)",
                "host-bind:=/a                          | no destination",
                "ram:/a=much                            | 'much' is no size",
                "host-disk:/a=b                         | unknown type 'host-disk'",
                "host-image:/a=b,format=vmdk            | format=vmdk (expected: raw, qcow2 or auto",
                "host-image:/a=                         | no src",
                "type=image,dst=/a                      | no src",
                "type=image,src=/a,dst=/b,mode=0700     | 'mode' does not go with type=image",
                "type=image,src=/a,dst=/b,size=1M       | none without an overlay",
                "type=image,src=/a,dst=/b,transport=9p  | transport=9p (expected: block",
                "type=bind,src=/a,dst=/b,transport=block | only an image is a block device",
                "type=bind,src=/a,dst=/b,format=raw     | 'format' does not go with type=bind"
            })
    void parse_bad_saysWhat(String text, String problem) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> parse(text));
        assertTrue(String.valueOf(e.getMessage()).contains(problem), e.getMessage());
    }

    @Test
    void parse_bind_isReadOnlyUnlessItSaysOtherwise() {
        assertEquals(directory("/b", "/cwd/a", MountMode.READ_ONLY), parse("type=bind,src=a,dst=/b"));
        assertEquals(directory("/b", "/a", MountMode.READ_ONLY), parse("type=bind,source=/a,destination=/b,readonly"));
        assertEquals(directory("/b", "/a", MountMode.READ_WRITE), parse("type=bind,source=/a,target=/b,rw"));
        assertEquals(
                directory("/b", "/a", MountMode.READ_WRITE), parse("type=bind,source=/a,target=/b,readonly=false"));
        assertEquals(directory("/b", "/a", MountMode.OVERLAY), parse("dst=/b,overlay,src=/a,type=bind"));
        assertEquals(directory("/b", "/a", MountMode.SCRATCH), parse("dst=/b,scratch,src=/a,type=bind"));
        assertEquals(
                new Mount.HostDirectory("/b", "/a", MountMode.OVERLAY, OptionalLong.of(3 << 20), Transport.AUTO),
                parse("type=bind,src=/a,dst=/b,overlay,size=3M"));
    }

    @Test
    void parse_quoted_mayHoldCommasQuotesAndLineFeeds() {
        assertEquals(
                directory("/b\n", "/a,\"x", MountMode.READ_ONLY), parse("type=bind,\"src=/a,\"\"x\",\"dst=/b\n\""));
    }

    @Test
    void parse_equalsInAPath_isPartOfIt() {
        assertEquals(directory("/b=c", "/a=d", MountMode.READ_ONLY), parse("type=bind,src=/a=d,dst=/b=c"));
    }

    @Test
    void parse_tmpfs() {
        assertEquals(memory("/b", OptionalLong.empty()), parse("type=tmpfs,dst=/b"));
        assertEquals(
                new Mount.Memory("/b", OptionalLong.of(1 << 20), OptionalInt.of(0750), true),
                parse("type=tmpfs,dst=/b,size=1M,mode=0750,ro"));
    }

    @Test
    void parse_guestBind() {
        assertEquals(new Mount.Bind("/b", "/a", false), parse("type=guest-bind,src=/a,dst=/b"));
        assertEquals(new Mount.Bind("/b", "/a", true), parse("type=guest-bind,src=/a,dst=/b,ro"));
    }

    @Test
    void parse_image() {
        assertEquals(image("/b", "/cwd/a", ImageFormat.AUTO, MountMode.READ_ONLY), parse("type=image,src=a,dst=/b"));
        Mount written = image("/", "/a,b", ImageFormat.QCOW2, MountMode.READ_WRITE);
        assertEquals(written, parse("type=image,\"src=/a,b\",dst=/,rw,format=qcow2,transport=block"));
        assertEquals(written, parse(MountOption.text(written)));
    }

    @Test
    void parse_asThePredecessorHadIt() {
        assertEquals(image("/b", "/a=c", ImageFormat.AUTO, MountMode.READ_WRITE), parse("host-image:/b=/a=c"));
        assertEquals(image("/", "/a", ImageFormat.RAW, MountMode.READ_WRITE), parse("host-image:/=/a,format=raw"));
        assertEquals(directory("/b", "/a", MountMode.READ_WRITE), parse("host-bind:/b=/a"));
        assertEquals(directory("/b", "/cwd/a=c", MountMode.READ_WRITE), parse("host-bind:/b=a=c"));
        assertEquals(memory("/b", OptionalLong.empty()), parse("host-bind:/b="));
        assertEquals(new Mount.Bind("/b", "/a", false), parse("guest-bind:/b=/a"));
        assertEquals(memory("/b", OptionalLong.of(10 << 20)), parse("ram:/b=10MiB"));
    }

    private static Mount directory(String target, String source, MountMode mode) {
        return new Mount.HostDirectory(target, source, mode, OptionalLong.empty(), Transport.AUTO);
    }

    private static Mount image(String target, String source, ImageFormat format, MountMode mode) {
        return new Mount.Image(target, new DiskImage(source, format), mode, OptionalLong.empty());
    }

    private static Mount memory(String target, OptionalLong bytes) {
        return new Mount.Memory(target, bytes, OptionalInt.empty(), false);
    }

    private static Mount parse(String text) {
        return MountOption.parse(text, path -> path.startsWith("/") ? path : "/cwd/" + path);
    }
}
