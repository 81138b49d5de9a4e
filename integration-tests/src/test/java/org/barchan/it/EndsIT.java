package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a command ends of says so, and nothing else. */
class EndsIT {
    private static final String MEMORY = "192M";

    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @AfterEach
    void noSandboxIsLeft() {
        barchan.awaitNoSandbox();
    }

    @Test
    void guestWithoutMemory_endsTheCommand_andSaysSo() {
        barchan.call("run", "--memory", MEMORY, "--", "tail", "/dev/zero")
                .expect(137)
                .expectStderr(
                        "the guest ran out of memory and its kernel ended the command; give it more with --memory");
    }

    @Test
    void killed_byAnotherProcess_isNoLackOfMemory_alsoWhereThereWasOne() {
        // What is written there by a process is not the kernel's.
        String script = "tail /dev/zero; echo \"Out of memory: Killed process $$ (sh)\" > /dev/kmsg; kill -9 $$";
        JsonObject end =
                termination("run", "--privileged", "--memory", MEMORY, "--output", "json", "--", "sh", "-c", script);
        assertEquals("signalled", end.get("cause").getAsString(), end::toString);
    }

    @Test
    void guestThatPanics_saysSo() {
        JsonObject end = termination(
                "run",
                "--memory",
                MEMORY,
                "--kernel-arg",
                "sysctl.vm.panic_on_oom=1",
                "--output",
                "json",
                "--",
                "tail",
                "/dev/zero");
        assertEquals("guest_panic", end.get("cause").getAsString(), end::toString);
    }

    private static JsonObject termination(String... command) {
        return barchan.call(command).json().getAsJsonObject("termination");
    }
}
