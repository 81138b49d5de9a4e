package org.barchan.host.adapter.libvirt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.barchan.host.sandbox.SandboxException.Code;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.libvirt.Error.ErrorNumber;

final class LibvirtErrorsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "VIR_ERR_DOM_EXIST       | 0  | domain is there                                   | ALREADY_EXISTS",
                "VIR_ERR_NO_MEMORY       | 0  | out of memory                                     | EXHAUSTED",
                "VIR_ERR_SYSTEM_ERROR    | 12 | cannot fork                                       | EXHAUSTED",
                "VIR_ERR_SYSTEM_ERROR    | 24 | cannot open                                       | EXHAUSTED",
                "VIR_ERR_SYSTEM_ERROR    | 28 | cannot write                                      | EXHAUSTED",
                "VIR_ERR_SYSTEM_ERROR    | 13 | Permission denied                                 | PRECONDITION",
                "VIR_ERR_INTERNAL_ERROR  | 0  | qemu: 'pc.ram': Cannot allocate memory            | EXHAUSTED",
                "VIR_ERR_INTERNAL_ERROR  | 0  | qemu: could not open kernel                       | PRECONDITION",
                "VIR_ERR_OPERATION_FAILED| 0  | '/s/driver.pid': Resource temporarily unavailable | PRECONDITION",
                "VIR_ERR_NO_CONNECT      | 0  | no connection driver available                    | PRECONDITION",
                "VIR_ERR_XML_ERROR       | 0  | missing attribute                                 | INTERNAL"
            })
    void code_ofLibvirtsError(ErrorNumber number, int detail, String words, Code code) {
        assertEquals(code, LibvirtErrors.code(number, detail, words));
    }

    @Test
    void message_ofAHostileQemu_cannotDriveATerminal() {
        String message = LibvirtErrors.message(
                "starting machine b-1", ErrorNumber.VIR_ERR_INTERNAL_ERROR, 0, "a\u001b[2Jb\u202e", Optional.of("log"));
        assertEquals(
                "starting machine b-1 failed: libvirt says: a\\x1b[2Jb\\u202e\nthe end of QEMU's log:\nlog", message);
    }

    @Test
    void message_ofAQemuThatEnded_isInItsOwnWords() {
        String message = LibvirtErrors.message(
                "starting machine b-1",
                ErrorNumber.VIR_ERR_INTERNAL_ERROR,
                0,
                "internal error: process exited while connecting to monitor: 2026-01-02T03:04:05.678901Z qemu-system-x86_64:"
                        + " error: failed to set MSR 0x10a to 0x69",
                Optional.empty());
        assertEquals("starting machine b-1 failed: QEMU ended: failed to set MSR 0x10a to 0x69", message);
    }

    @Test
    void message_logThatLibvirtQuotes_isNotRepeated() {
        String message = LibvirtErrors.message(
                "x", ErrorNumber.VIR_ERR_INTERNAL_ERROR, 0, "QEMU ended: no kernel", Optional.of("no kernel\n"));
        assertFalse(message.contains("log"), message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "VIR_ERR_NO_CONNECT       | 0 | no driver                     | apt-get install libvirt-daemon-driver-qemu",
                "VIR_ERR_SYSTEM_ERROR     | 2 | Failed to connect socket      | qemu:///embed",
                "VIR_ERR_SYSTEM_ERROR     | 111 | Failed to connect socket    | qemu:///embed",
                "VIR_ERR_INTERNAL_ERROR   | 0 | client socket is closed       | try again",
                "VIR_ERR_INTERNAL_ERROR   | 0 | qemu state driver is not active | stop the agent",
                "VIR_ERR_INVALID_ARG      | 0 | Failed to parse user 'x-qemu' | useradd --system x-qemu",
                "VIR_ERR_OPERATION_FAILED | 0 | '/s/driver.pid': unavailable  | another agent"
            })
    void message_ofAHostThatLacksSomething_hasTheRemedy(ErrorNumber number, int detail, String words, String remedy) {
        String message = LibvirtErrors.message("opening", number, detail, words, Optional.empty());
        assertTrue(message.contains(remedy), message);
    }
}
