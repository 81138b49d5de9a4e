package org.barchan.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Signals to the program reach the command, as if it were the command. */
class SignalsIT {
    @RegisterExtension
    static final Barchan barchan = new Barchan();

    @ParameterizedTest
    @CsvSource({"INT, 2", "TERM, 15", "HUP, 1", "QUIT, 3"})
    void signal_commandDiesOfIt_exits128PlusItsNumber(String signal, int number) {
        try (Running running = barchan.start("run", "--", "sh", "-c", "echo ready; exec sleep 600")) {
            running.awaitOut("ready");
            running.signal(signal).result().expect(128 + number);
        }
    }

    @Test
    void interrupt_commandHandlesIt_statusIsTheCommands() {
        String script = "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.2; done";
        try (Running running = barchan.start("run", "--", "sh", "-c", script)) {
            running.awaitOut("ready");
            Result result = running.signal("INT").result().expect(9);
            assertEquals("ready\ncaught\n", result.out());
        }
    }

    @Test
    void stop_givesTheCommandTimeToEnd() {
        String script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.2; done";
        try (Running running = barchan.start("run", "-n", "box", "--", "sh", "-c", script)) {
            running.awaitOut("ready");
            assertEquals("", barchan.call("stop", "box").expect(0).err());
            assertEquals("ready\ncaught\n", running.result().expect(9).out());
        }
        barchan.call("stop", "box").expect(125).expectStderr("box");
        barchan.awaitNoSandbox();
    }

    @Test
    void stop_commandIgnoresIt_endsItWithItsSandbox() {
        String script = "trap '' INT; echo ready; while :; do sleep 0.2; done";
        try (Running running = barchan.start("run", "-n", "box", "--", "sh", "-c", script)) {
            running.awaitOut("ready");
            barchan.call("stop", "-s", "INT", "-t", "1", "box").expect(0).expectStderr("did not end in time");
            running.result().expect(125).expectStderr("deleted");
        }
        barchan.awaitNoSandbox();
    }

    @Test
    void kill_sendsTheSignal() {
        String script = "trap 'echo caught' USR1; echo ready; while :; do sleep 0.2; done";
        try (Running running = barchan.start("run", "-n", "box", "--", "sh", "-c", script)) {
            running.awaitOut("ready");
            barchan.call("kill", "--signal", "usr1", "box").expect(0);
            running.awaitOut("caught");
            barchan.call("kill", "box").expect(0);
            running.result().expect(137);
        }
        barchan.call("kill", "box").expect(125).expectStderr("box|process of");
        barchan.awaitNoSandbox();
    }

    @Test
    void secondInterrupt_commandIgnoresBoth_endsItByForce() {
        String script = "trap 'echo ignored' INT; echo ready; while :; do sleep 0.2; done";
        try (Running running = barchan.start("run", "--", "sh", "-c", script)) {
            running.awaitOut("ready");
            running.signal("INT").awaitOut("ignored");
            running.signal("INT").result().expect(130);
        }
        barchan.awaitNoSandbox();
    }

    @Test
    void interrupt_whileBooting_endsTheRun() {
        try (Running running = barchan.start("run", "--debug", "--", "sleep", "600")) {
            running.awaitErr(Phase.BOOTING.line());
            running.signal("INT").result().expect(130);
        }
        barchan.awaitNoSandbox();
    }
}
