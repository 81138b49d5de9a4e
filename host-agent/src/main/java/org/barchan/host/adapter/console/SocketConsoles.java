package org.barchan.host.adapter.console;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import org.barchan.host.port.Console;
import org.barchan.host.port.Consoles;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;

/** Reads consoles from unix sockets. Safe for use by many threads. */
public final class SocketConsoles implements Consoles {
    @Override
    public Console open(SandboxId id, Path socket) throws SandboxException {
        try {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            boolean connected = false;
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
                connected = true;
            } finally {
                if (!connected) {
                    channel.close();
                }
            }
            SocketConsole console = new SocketConsole(id, channel);
            console.start();
            return console;
        } catch (IOException e) {
            throw new SandboxException(
                    SandboxException.Code.LOST,
                    "connecting to the console of " + id + " at " + socket + ": " + e.getMessage()
                            + ". Its virtual machine has most likely ended",
                    e);
        }
    }
}
