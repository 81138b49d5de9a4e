package org.barchan.client;

/**
 * Where a process starts.
 *
 * @param path absolute path inside the sandbox
 * @param required whether the process is not started when the directory can't be entered; otherwise it starts in "/"
 */
public record WorkingDirectory(String path, boolean required) {
    /** @throws IllegalArgumentException if the path is not absolute */
    public WorkingDirectory {
        ProcessSpec.checkAbsolute("working directory", path);
    }
}
