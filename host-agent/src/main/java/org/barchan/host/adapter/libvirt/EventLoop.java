package org.barchan.host.adapter.libvirt;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.Optional;
import org.barchan.host.sandbox.SandboxException;
import org.libvirt.Library;
import org.libvirt.LibvirtException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Libvirt's event loop: one for the process, since libvirt has one, and for good, since it cannot be given up. It must be registered
 * before the first connection is opened.
 */
final class EventLoop {
    private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);
    private static final String REMEDY = "install it: apt-get install libvirt-daemon-driver-qemu";

    /** The last argument of setenv(3). */
    private static final int KEEP_WHAT_IS_SET = 0;

    private static boolean running;

    private EventLoop() {}

    /**
     * Loads libvirt and runs its event loop on a thread of its own, unless that was done before.
     *
     * @throws SandboxException {@code PRECONDITION} when the host has no libvirt
     */
    static synchronized void ensureRunning() throws SandboxException {
        if (running) {
            return;
        }
        // Libvirt's strings are UTF-8 in any locale. Read by JNA at each call.
        System.setProperty("jna.encoding", "UTF-8");
        try {
            silence();
            Library.initEventLoop();
        } catch (LinkageError e) {
            throw new SandboxException(
                    SandboxException.Code.PRECONDITION, "loading libvirt failed: " + rootMessage(e) + "; " + REMEDY, e);
        } catch (LibvirtException e) {
            throw LibvirtErrors.translate("registering libvirt's event loop", e, Optional.empty());
        }
        Thread.ofPlatform().daemon().name("libvirt-events").start(EventLoop::run);
        running = true;
    }

    /** Libvirt prints what it reports and what it logs to stderr as well; what it reports is in our exceptions. */
    private static void silence() {
        // Read once, when libvirt is first called. An operator who has set it wants to see the log.
        Function.getFunction("c", "setenv")
                .invokeInt(new Object[] {"LIBVIRT_LOG_OUTPUTS", "4:file:/dev/null", KEEP_WHAT_IS_SET});
        // Threads of libvirt's own call the handler, also while the JVM goes down, so that it must not be Java.
        // virResetError does nothing when its argument is NULL, as a handler's first argument, given here, is.
        NativeLibrary libvirt = NativeLibrary.getInstance("virt");
        libvirt.getFunction("virSetErrorFunc")
                .invokeVoid(new Object[] {Pointer.NULL, libvirt.getFunction("virResetError")});
    }

    private static void run() {
        while (true) {
            try {
                Library.processEvent();
            } catch (LibvirtException e) {
                LOG.warn("an event of libvirt's could not be handled", e);
            } catch (RuntimeException | Error e) {
                LOG.error("a listener to libvirt's events failed", e);
            }
        }
    }

    private static String rootMessage(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage());
    }
}
