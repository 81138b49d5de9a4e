package org.barchan.cli;

/** How commands are named by verbs. */
final class ProcessNames {
    static final String DESCRIPTION =
            "Name or id of a sandbox, for the command that it was made for; NAME/PROCESS for another: see barchan-exec(1), --name.";

    private ProcessNames() {}
}
