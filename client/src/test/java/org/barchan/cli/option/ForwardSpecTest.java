package org.barchan.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ForwardSpecTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "a",
                "0",
                "-1",
                "65536",
                "8080:",
                "8080:0",
                "8080:http",
                "99999:80",
                "+80:80",
                "/run/x",
                "/run/x:53/udp",
                "example.org:8080:80",
                "256.0.0.1:8080:80",
                "1:2:3:4",
                "::80:"
            })
    void parse_bad_isRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> ForwardSpec.parse(text, LOOPBACK));
    }

    @Test
    void address_ofAName_isNotAskedFor() {
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> ForwardSpec.address("--address", "example.org"));
        assertTrue(String.valueOf(e.getMessage()).contains("'example.org' (expected: an IP address"), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "80, /127.0.0.1:80, 80",
        ":80, /127.0.0.1:0, 80",
        "0:80, /127.0.0.1:0, 80",
        "8080:80, /127.0.0.1:8080, 80",
        "0.0.0.0:8080:80, /0.0.0.0:8080, 80",
        "127.0.0.2::80, /127.0.0.2:0, 80",
        "localhost:1:2, /127.0.0.1:1, 2",
        "[::1]:8080:80, /[0:0:0:0:0:0:0:1]:8080, 80",
        "8080:/run/a:b, /127.0.0.1:8080, /run/a:b",
        ":/run/x, /127.0.0.1:0, /run/x",
        "/tmp/x:80, /tmp/x, 80",
        "53/udp, /127.0.0.1:53, 53/udp",
        ":53/tcp, /127.0.0.1:0, 53",
        "8080:/run/53/udp, /127.0.0.1:8080, /run/53/udp",
        "/tmp/x:/run/y, /tmp/x, /run/y"
    })
    void parse_good(String text, String local, String target) {
        ForwardSpec spec = ForwardSpec.parse(text, LOOPBACK);
        assertEquals(local, spec.local().toString());
        assertEquals(target, spec.target().toString());
    }
}
