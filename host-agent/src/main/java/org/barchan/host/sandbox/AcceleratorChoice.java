package org.barchan.host.sandbox;

/** What a user wants a guest to be run by. */
public enum AcceleratorChoice {
    /** KVM where it has been proved to work, else TCG. */
    AUTO,
    KVM,
    TCG
}
