package org.barchan.host.lifecycle;

import com.google.protobuf.ByteString;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.v1.ProcessEvent;

/** Nobody is there to be told. */
final class Unheard implements RunObserver {
    @Override
    public void sandbox(SandboxView sandbox) {}

    @Override
    public void progress(Level level, String message) {}

    @Override
    public void console(ByteString output) {}

    @Override
    public void event(ProcessEvent event) {}

    @Override
    public void changes(ByteString data) {}

    @Override
    public void finished(ProcessEvent termination) {}

    @Override
    public void failed(SandboxException reason) {}
}
