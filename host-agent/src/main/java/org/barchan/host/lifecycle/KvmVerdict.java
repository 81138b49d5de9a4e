package org.barchan.host.lifecycle;

/** Whether KVM boots a guest here. */
sealed interface KvmVerdict {
    record Works() implements KvmVerdict {}

    /** @param reason one line */
    record Fails(String reason) implements KvmVerdict {}
}
