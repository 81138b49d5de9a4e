package org.barchan.host;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.barchan.host.config.AgentConfig;
import org.barchan.host.lifecycle.Printable;

/** The agent's log: {@code agent.log}, and {@code agent.log.1} before it, a mebibyte each; standard error too until the agent is ready. */
final class AgentLog extends Handler {
    private static final long MAX_BYTES = 1024 * 1024;

    /**
     * What says something of each connection that is of no use to anyone: that a unix socket has no SO_KEEPALIVE, that a client is gone.
     * Held here since the log manager would forget their levels with them.
     */
    private static final List<Logger> QUIET = List.of(
            Logger.getLogger("io.grpc.netty.shaded.io.netty.bootstrap.ServerBootstrap"),
            Logger.getLogger("io.grpc.netty.shaded.io.grpc.netty.NettyServerHandler"));

    private final Path file;
    private OutputStream out;
    private long written;

    private AgentLog(Path file) throws IOException {
        this.file = file;
        this.out = append();
    }

    /** Makes everything that is logged go to standard error, and to the directory's log once that is there. */
    static void toStandardError() {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) {
            root.removeHandler(handler);
        }
        root.setLevel(Level.INFO);
        QUIET.forEach(logger -> logger.setLevel(Level.SEVERE));
        ConsoleHandler console = new ConsoleHandler();
        console.setFormatter(new Lines());
        root.addHandler(console);
    }

    /** Has standard error, which is to stay, in a format of its own. */
    static void formatStandardError(AgentConfig.LogFormat format) {
        for (Handler handler : Logger.getLogger("").getHandlers()) {
            if (handler instanceof ConsoleHandler) {
                handler.setFormatter(formatter(format));
            }
        }
    }

    private static Formatter formatter(AgentConfig.LogFormat format) {
        return switch (format) {
            case TEXT -> new Lines();
            case JSON -> new JsonLogLines();
        };
    }

    static void toDirectory(Path directory, AgentConfig.LogFormat format) throws IOException {
        Files.createDirectories(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        AgentLog log = new AgentLog(directory.resolve("agent.log"));
        log.setFormatter(formatter(format));
        Logger.getLogger("").addHandler(log);
    }

    static void leaveStandardError() {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) {
            if (handler instanceof ConsoleHandler) {
                root.removeHandler(handler);
            }
        }
    }

    @Override
    public synchronized void publish(LogRecord record) {
        if (!isLoggable(record)) {
            return;
        }
        try {
            byte[] line = getFormatter().format(record).getBytes(StandardCharsets.UTF_8);
            if (written + line.length > MAX_BYTES) {
                out.close();
                Files.move(file, file.resolveSibling("agent.log.1"), StandardCopyOption.REPLACE_EXISTING);
                out = append();
            }
            out.write(line);
            written += line.length;
        } catch (IOException e) {
            reportError("writing " + file, e, 0);
        }
    }

    @Override
    public void flush() {}

    @Override
    public synchronized void close() {
        try {
            out.close();
        } catch (IOException e) {
            reportError("closing " + file, e, 0);
        }
    }

    private OutputStream append() throws IOException {
        written = Files.exists(file) ? Files.size(file) : 0;
        return Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /**
     * A log manager that keeps working while the process ends. The JDK's own closes all logs as soon as that begins, before the last has
     * been said.
     */
    public static final class Manager extends LogManager {
        @Override
        public void reset() {}
    }

    /** One line for each record, so that nothing that is logged can look like another; what follows is indented. */
    private static final class Lines extends Formatter {
        private static final DateTimeFormatter TIME =
                DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

        @Override
        public String format(LogRecord record) {
            String source = String.valueOf(record.getLoggerName());
            StringBuilder line = new StringBuilder()
                    .append(TIME.format(record.getInstant()))
                    .append(' ')
                    .append(record.getLevel().getName())
                    .append(' ')
                    .append(source.substring(source.lastIndexOf('.') + 1))
                    .append(": ")
                    .append(indent(formatMessage(record)));
            if (record.getThrown() != null) {
                java.io.StringWriter trace = new java.io.StringWriter();
                record.getThrown().printStackTrace(new java.io.PrintWriter(trace));
                line.append("\n    ").append(indent(trace.toString().strip()));
            }
            return line.append('\n').toString();
        }

        private static String indent(String text) {
            return Printable.lines(text.replace("\t", "  ")).replace("\n", "\n    ");
        }
    }
}
