package org.barchan.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class SignalConverterTest {
    private final SignalConverter converter = new SignalConverter();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0",
                "65",
                "-9",
                "NONE",
                "SIG",
                "SIGSIGHUP",
                "RTMIN+31",
                "RTMAX-31",
                "RTMIN-1",
                "RTMAX+1",
                "9x"
            })
    void convert_whatIsNoSignal_saysWhatIsExpected(String text) {
        String message = String.valueOf(assertThrows(TypeConversionException.class, () -> converter.convert(text))
                .getMessage());
        assertTrue(message.contains("'" + text + "' is no signal (expected:"), message);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "64, 64",
        "HUP, 1",
        "SIGHUP, 1",
        "sigterm, 15",
        "kill, 9",
        "SYS, 31",
        "IO, 29",
        "POLL, 29",
        "WINCH, 28",
        "RTMIN, 34",
        "SIGRTMIN+1, 35",
        "RTMIN+30, 64",
        "RTMAX, 64",
        "rtmax-30, 34"
    })
    void convert_nameOrNumber(String text, int number) {
        assertEquals(number, converter.convert(text));
    }
}
