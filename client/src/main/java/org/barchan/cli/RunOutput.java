package org.barchan.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.barchan.client.BarchanException;
import org.barchan.client.ProgressLevel;
import org.barchan.client.Sandbox;
import org.barchan.client.StandardStream;
import org.barchan.client.Termination;

/** Where what comes from a run goes. Called by one thread at a time. */
sealed interface RunOutput permits StreamRelay, JsonReport {
    void sandbox(Sandbox sandbox);

    void progress(ProgressLevel level, String message);

    void started();

    /** The command, which other verbs name so, is left to itself. */
    void detached(String name) throws BarchanException;

    void output(StandardStream stream, ByteBuffer bytes) throws IOException;

    /** Tells whether the reader of an output has gone. */
    boolean readerGone();

    /** Ends the output after all of a process's, and returns the status to exit with. */
    int finish(Termination termination, int status) throws BarchanException;

    /** Ends the output of a run that failed, and returns the status to exit with. */
    int fail(BarchanException error, int status) throws BarchanException;
}
