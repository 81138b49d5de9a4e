package org.barchan.client;

/** A step of starting a process. */
public enum SpawnStep {
    /** A step that this client is too old for. */
    UNKNOWN,
    /** Entering the namespaces of the sandbox, or creating the process. */
    CREATE,
    /** Changing to the working directory. */
    CHDIR,
    /** Taking on user, groups, capabilities. */
    CREDENTIALS,
    /** execve(2) of the command. */
    EXEC,
    /** Setting a resource limit, the nice value or the OOM score. */
    LIMITS
}
