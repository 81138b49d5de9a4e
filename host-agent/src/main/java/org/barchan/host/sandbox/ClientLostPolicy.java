package org.barchan.host.sandbox;

/** What happens to a sandbox when the client that runs it goes away. */
public enum ClientLostPolicy {
    /** It is deleted. */
    DELETE,
    /** It runs on until its process ends or someone deletes it. */
    KEEP
}
