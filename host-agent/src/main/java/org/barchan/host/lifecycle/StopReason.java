package org.barchan.host.lifecycle;

/** Why a sandbox is to end, or its thread is to look up; where several are given the first of these counts. */
enum StopReason {
    /** Someone asked for its end. */
    DELETED,
    /** Its process outlived its time, and SIGKILL too. */
    TIME_UP,
    /** It has lived long enough, and SIGKILL has not ended its process. */
    LIFETIME_OVER,
    /** It was not in use for long enough, and SIGKILL has not ended its process. */
    IDLE,
    /** The agent is stopping. */
    AGENT_STOPPING,
    /** Its virtual machine has ended. */
    MACHINE_ENDED,
    /** The client that runs it is gone. */
    CLIENT_LOST
}
