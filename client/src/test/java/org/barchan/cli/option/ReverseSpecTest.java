package org.barchan.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.InetAddress;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReverseSpecTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "0",
                "a",
                "80:",
                "80:0",
                "80:http",
                "65536:80",
                "80:65536",
                "-1:80",
                "53/udp",
                "80:example.org:80",
                "80:256.0.0.1:80",
                "80:80:80",
                "/run/x",
                "/run/x:80",
                "127.0.0.1:80"
            })
    void parse_bad_isRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> ReverseSpec.parse(text, LOOPBACK));
    }

    @ParameterizedTest
    @CsvSource({
        "80, 80, /127.0.0.1:80",
        "8080:80, 8080, /127.0.0.1:80",
        ":80, 0, /127.0.0.1:80",
        "0:80, 0, /127.0.0.1:80",
        "80:10.0.0.1:81, 80, /10.0.0.1:81",
        ":localhost:81, 0, /127.0.0.1:81",
        "80:[::1]:81, 80, /[0:0:0:0:0:0:0:1]:81",
        "80:/run/a:b, 80, /run/a:b",
        ":/run/x, 0, /run/x"
    })
    void parse_good(String text, int port, String target) {
        ReverseSpec spec = ReverseSpec.parse(text, LOOPBACK);
        assertEquals(port, spec.port());
        assertEquals(target, spec.target().toString());
    }
}
