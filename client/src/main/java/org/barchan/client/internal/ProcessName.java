package org.barchan.client.internal;

/**
 * A process, as users name it: a sandbox, and "/" and an id behind it if it is not the one that the sandbox was made for.
 *
 * @param process empty for that
 */
record ProcessName(String sandbox, String process) {
    static ProcessName parse(String text) {
        int slash = text.indexOf('/');
        return slash < 0
                ? new ProcessName(text, "")
                : new ProcessName(text.substring(0, slash), text.substring(slash + 1));
    }

    @Override
    public String toString() {
        return process.isEmpty() ? "the sandbox " + sandbox : "the process " + process + " of the sandbox " + sandbox;
    }
}
