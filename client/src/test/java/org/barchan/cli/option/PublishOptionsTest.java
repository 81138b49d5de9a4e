package org.barchan.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.barchan.client.PublishedPort;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PublishOptionsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``              | a port from 1 to 65535 in place of ''",
                "80              | expected: [ADDRESS:]HOSTPORT:PORT",
                "/run/x:80       | expected: [ADDRESS:]HOSTPORT:PORT",
                "80:/run/x       | expected: [ADDRESS:]HOSTPORT:PORT",
                "8080:80/sctp    | a port from 1 to 65535 in place of '80/sctp'",
                "8080:           | a port from 1 to 65535 in place of ''",
                "8080:0          | a port from 1 to 65535 in place of '0'",
                "99999:80        | a port from 0 to 65535 in place of '99999'",
                "example.org:1:2 | expected: an IP address"
            })
    void parse_bad_saysWhat(String text, String problem) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> PublishOptions.parse(text));
        String message = String.valueOf(e.getMessage());
        assertTrue(message.startsWith("invalid value for option '--publish': '" + text + "': "), message);
        assertTrue(message.contains(problem), message);
    }

    @ParameterizedTest
    @CsvSource({
        "8080:80, 127.0.0.1, 8080, 80, TCP",
        "8080:80/tcp, 127.0.0.1, 8080, 80, TCP",
        "127.0.0.1:5353:53/udp, 127.0.0.1, 5353, 53, UDP",
        ":80, 127.0.0.1, 0, 80, TCP",
        "0.0.0.0::80, 0.0.0.0, 0, 80, TCP",
        "[::1]:1:2, 0:0:0:0:0:0:0:1, 1, 2, TCP"
    })
    void parse_good(String text, String address, int hostPort, int port, PublishedPort.Protocol protocol) {
        assertEquals(new PublishedPort(address, hostPort, port, protocol), PublishOptions.parse(text));
    }
}
