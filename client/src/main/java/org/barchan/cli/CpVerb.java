package org.barchan.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan cp}. */
@Command(
        name = "cp",
        description =
                "Copy files and directories between the host and a sandbox that runs: one side is NAME:PATH, a path in the sandbox; the other may be -, a tar archive on standard output or input.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {
            ExitStatus.SUCCEEDED,
            "1:Something was not copied, as standard error says for each file; the rest was.",
            ExitStatus.FAILED
        })
final class CpVerb implements Callable<Integer> {
    private static final int SOME_NOT_COPIED = 1;
    private static final String ARCHIVE = "-";

    @Option(
            names = {"-a", "--archive"},
            description =
                    "Keep the owners, to the host as root alone: set-user-ID bits, too. Else files belong to root in the sandbox, and to the caller on the host.")
    private boolean archive;

    @Option(
            names = {"-L", "--follow-link"},
            description = "Copy what SOURCE leads to, if it is a symbolic link.")
    private boolean follow;

    @Option(
            names = {"-q", "--quiet"},
            description = "Show no progress on a terminal.")
    private boolean quiet;

    @Parameters(
            index = "0",
            paramLabel = "SOURCE",
            description =
                    "A file or directory. DIRECTORY/. stands for what is in it. -: a tar archive from standard input.")
    private String source = "";

    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description =
                    "A directory that is there takes SOURCE; else what SOURCE is to be called. -: a tar archive on standard output.")
    private String target = "";

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        CopyPath from = CopyPath.parse(source);
        CopyPath to = CopyPath.parse(target);
        if (from.sandbox().isPresent() == to.sandbox().isPresent()) {
            throw new IllegalArgumentException("SOURCE and TARGET: "
                    + (from.sandbox().isPresent() ? "both are in sandboxes" : "none is in a sandbox")
                    + " (expected: one of them as NAME:PATH; a file of the host whose name holds a colon as ./FILE)");
        }
        if (target.equals(ARCHIVE) && StandardFiles.STDOUT.isTerminal()) {
            throw new IllegalArgumentException("TARGET: standard output is a terminal (expected: a file or a pipe)");
        }
        Caller caller = Caller.current();
        try (BarchanClient client = BarchanClient.connect(Agents.of(caller))) {
            CopyReport report = new CopyReport(quiet);
            String sandbox = from.sandbox().or(to::sandbox).orElseThrow();
            if (source.equals(ARCHIVE) || target.equals(ARCHIVE)) {
                new CopyArchive(client.files(sandbox), report).copy(from, to, follow, archive);
            } else if (from.sandbox().isPresent()) {
                new CopyToHost(client.files(sandbox), report, archive && caller.isRoot()).copy(from, to, follow);
            } else {
                new CopyToSandbox(client.files(sandbox), report, archive).copy(from, to, follow);
            }
            report.end();
            return report.hasFailures() ? SOME_NOT_COPIED : ExitStatus.OK;
        } catch (IOException e) {
            throw new BarchanException(BarchanException.Code.PRECONDITION, String.valueOf(e.getMessage()), e);
        }
    }
}
