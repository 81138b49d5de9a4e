package org.barchan.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Base64;
import java.util.concurrent.Callable;
import org.barchan.cli.option.HelpOption;
import org.barchan.cli.option.OutputOption;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;
import org.barchan.client.Change;
import org.barchan.client.RawText;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code barchan diff}. */
@Command(
        name = "diff",
        description =
                "List what a sandbox has written to its overlays: A for added, C for changed, D for deleted, and sizes.",
        exitCodeListHeading = ExitStatus.HEADING,
        exitCodeList = {ExitStatus.SUCCEEDED, ExitStatus.FAILED},
        footer = {
            "",
            "JSON: {changes: [{path, kind, type, mode, uid, gid, sizeBytes, modifyTime, linkTarget, replaced}]};",
            "of what was deleted, path and kind alone. Names that are not UTF-8 are {base64: ...}."
        })
final class DiffVerb implements Callable<Integer> {
    private static final int DELETE = 0x7F;
    private static final int MANY = 8192;

    private static final OutputStream STANDARD_OUTPUT = new OutputStream() {
        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                Messages.result(ByteBuffer.wrap(bytes, offset, length));
            } catch (BarchanException e) {
                throw new IOException(e.getMessage(), e);
            }
        }
    };

    @Parameters(paramLabel = "NAME", description = "Name or id of a sandbox.")
    private String name = "";

    @Option(
            names = "--tar",
            paramLabel = "FILE",
            description =
                    "Write them, with what is in files, to a tar archive instead, - for standard output; what was deleted is"
                            + " in it as layers of OCI images have it: an empty file .wh.NAME.")
    private @Nullable String tar;

    @Mixin
    private final OutputOption output = new OutputOption();

    @Mixin
    final HelpOption help = new HelpOption();

    @Override
    public Integer call() throws BarchanException {
        Caller caller = Caller.current();
        try (BarchanClient client = BarchanClient.connect(Agents.of(caller))) {
            if (tar != null) {
                export(client, caller, tar);
            } else if (output.json()) {
                printJson(client);
            } else {
                StringBuilder text = new StringBuilder();
                client.changes(name, change -> print(text.append(line(change))));
                Messages.result(text.toString());
            }
            return ExitStatus.OK;
        } catch (UncheckedIOException e) {
            throw new BarchanException(BarchanException.Code.PRECONDITION, "writing the changes: " + e.getMessage(), e);
        }
    }

    private void export(BarchanClient client, Caller caller, String file) throws BarchanException {
        if (file.equals("-")) {
            if (StandardFiles.STDOUT.isTerminal()) {
                throw new BarchanException(
                        BarchanException.Code.INVALID,
                        "--tar -: standard output is a terminal. Lead it to a file or a program, or name a file");
            }
            client.exportChanges(name, STANDARD_OUTPUT);
            return;
        }
        try (ArchiveFile archive = new ArchiveFile(Path.of(caller.absolute(file)))) {
            client.exportChanges(name, archive);
            archive.finish();
        } catch (IOException e) {
            throw ArchiveFile.failure(file, e);
        }
    }

    private void printJson(BarchanClient client) throws BarchanException {
        JsonArray all = new JsonArray();
        client.changes(name, change -> all.add(json(change)));
        JsonObject json = new JsonObject();
        json.add("changes", all);
        Messages.result(json + "\n");
    }

    /** Prints what has come together, and forgets it, when it is much. */
    private static void print(StringBuilder text) {
        if (text.length() > MANY) {
            try {
                Messages.result(text.toString());
            } catch (BarchanException e) {
                throw new UncheckedIOException(new IOException(e.getMessage(), e));
            }
            text.setLength(0);
        }
    }

    private static String line(Change change) {
        char letter = switch (change.kind()) {
            case ADDED -> 'A';
            case CHANGED -> 'C';
            case DELETED -> 'D';
            case UNKNOWN -> '?';
        };
        String size = change.file()
                .filter(file -> file.type() == Change.Type.REGULAR)
                .map(file -> Long.toString(file.sizeBytes()))
                .orElse("-");
        String slash = change.file()
                                .filter(file -> file.type() == Change.Type.DIRECTORY)
                                .isPresent()
                        && !change.path().equals("/")
                ? "/"
                : "";
        return String.format("%c %12s %s%s%n", letter, size, oneLine(change.path()), slash);
    }

    /** Names may hold line feeds. */
    private static String oneLine(String path) {
        StringBuilder line = new StringBuilder();
        path.chars().forEach(c -> {
            if (c < ' ' || c == DELETE || c == '\\') {
                line.append(c == '\\' ? "\\\\" : String.format("\\%03o", c));
            } else {
                line.append((char) c);
            }
        });
        return line.toString();
    }

    private static JsonElement json(String path) {
        return RawText.hasBytes(path)
                ? base64(Base64.getEncoder().encodeToString(RawText.encode(path)))
                : new JsonPrimitive(path);
    }

    private static JsonObject base64(String bytes) {
        JsonObject json = new JsonObject();
        json.addProperty("base64", bytes);
        return json;
    }

    private static JsonObject json(Change change) {
        JsonObject json = new JsonObject();
        json.add("path", json(change.path()));
        json.addProperty("kind", JsonReport.lower(change.kind()));
        change.file().ifPresent(file -> {
            json.addProperty("type", JsonReport.lower(file.type()));
            json.addProperty("mode", Integer.toOctalString(file.mode()));
            json.addProperty("uid", file.uid());
            json.addProperty("gid", file.gid());
            json.addProperty("sizeBytes", file.sizeBytes());
            json.addProperty("modifyTime", file.modifyTime().toString());
            file.linkTarget().ifPresent(target -> json.add("linkTarget", json(target)));
            json.addProperty("replaced", file.replaced());
        });
        return json;
    }
}
