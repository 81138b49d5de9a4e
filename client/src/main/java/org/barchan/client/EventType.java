package org.barchan.client;

/** What has happened. Of a sandbox there is at most one each of created, running, ended and deleted, in this order. */
public enum EventType {
    /** Something that this client is too old for. */
    UNKNOWN,
    /** The agent makes a sandbox, or keeps what is to become one: its name is taken from now on. */
    SANDBOX_CREATED,
    /** It was kept by {@link BarchanClient#create}, and is being started, each time that this is tried. If it fails, it is as it was. */
    SANDBOX_STARTING,
    /** Its process runs. */
    SANDBOX_RUNNING,
    /** It stands still. */
    SANDBOX_PAUSED,
    /** It goes on. */
    SANDBOX_RESUMED,
    /** The process that it was made for has ended, and it ends; or that was never started. */
    SANDBOX_ENDED,
    /** Nothing is left of it, and nothing is kept. The ends of processes that ended with it may come behind this. */
    SANDBOX_DELETED,
    /** An agent that has come later has taken it over. */
    SANDBOX_ADOPTED,
    /** One that runs, or has ended, has got another name. */
    SANDBOX_RENAMED,
    /** A process was started beside the one that the sandbox was made for. */
    PROCESS_STARTED,
    /** It has ended, or could not be started. */
    PROCESS_ENDED,
    /**
     * Events that were to stand here are missing, nobody knows how many: the disk was full, the host went down, or the agent can't read what former
     * ones have told, and so not tell how that ended.
     */
    EVENTS_LOST
}
