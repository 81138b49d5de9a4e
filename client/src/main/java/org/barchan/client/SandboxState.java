package org.barchan.client;

/** Where a sandbox is in its life. */
public enum SandboxState {
    /** A state that this client is too old for. */
    UNKNOWN,
    /** It is there by what was ordered alone, and nothing was started: {@link BarchanClient#create}. */
    CREATED,
    /** Being built, or its guest is booting. */
    STARTING,
    /** Its guest answers. */
    RUNNING,
    /** Its virtual machine stands still: {@link BarchanClient#pause}. */
    PAUSED,
    /** Being taken down. */
    STOPPING,
    /** Nothing runs any more; what its process has written is kept, and how it ended. */
    ENDED
}
