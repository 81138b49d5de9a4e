package org.barchan.host.lifecycle;

/** What a client does to its process. Methods never block and may be called by any thread. */
public sealed interface ProcessControl permits Run, Execution, Attachment {
    /** Takes what the client sends to the process, also before it has been started. */
    ProcessInput input();

    /** The client sends nothing more, but is there. */
    void requestsEnded();

    /** The client is gone. */
    void clientLost();
}
