package org.barchan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;
import org.barchan.client.RawText;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan convert}. */
@Command(
        name = "convert",
        description = "Print what a configuration file of virt-sandbox says, as a file for 'barchan run --file'.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED})
final class ConvertVerb implements Callable<Integer> {
    @Option(names = "--partial", description = "Where something can't be expressed, say it in a comment and go on.")
    private boolean partial;

    @Mixin
    final HelpOption help = new HelpOption();

    @Parameters(paramLabel = "FILE", description = "The file, as libvirt-sandbox's library saves one.")
    private String file = "";

    @Override
    public Integer call() throws BarchanException {
        Caller caller = Caller.current();
        try {
            String text = RawText.decode(Files.readAllBytes(Path.of(caller.absolute(file))));
            Messages.result(new PredecessorConfig(file, text).yaml(partial, caller, new UserDatabase(Path.of("/etc"))));
        } catch (NoSuchFileException e) {
            throw new BarchanException(Code.INVALID, file + ": there is no such file", e);
        } catch (IOException e) {
            throw new BarchanException(Code.INVALID, file + ": it can't be read: " + e.getMessage(), e);
        }
        return ExitStatus.OK;
    }
}
