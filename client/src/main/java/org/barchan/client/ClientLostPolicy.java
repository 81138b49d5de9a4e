package org.barchan.client;

/** What happens to a sandbox when the client that runs it goes away before its process has ended. */
public enum ClientLostPolicy {
    /** It is deleted. */
    DELETE,
    /** It runs on until its process ends or someone deletes it. */
    KEEP
}
