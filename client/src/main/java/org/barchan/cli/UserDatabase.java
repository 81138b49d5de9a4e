package org.barchan.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;

/** The users and groups of the host: passwd(5) and group(5), and through getent(1) what else nsswitch.conf knows. */
final class UserDatabase {
    private static final int GETENT_SECONDS = 10;

    private final Path directory;

    /** @param directory where passwd and group lie, normally /etc */
    UserDatabase(Path directory) {
        this.directory = directory;
    }

    /** One line of passwd. */
    record Account(String name, long uid, long gid, String home) {}

    Optional<Account> user(String name) throws BarchanException {
        return entry("passwd", 0, name).map(UserDatabase::account);
    }

    Optional<Account> user(long uid) throws BarchanException {
        return entry("passwd", 2, Long.toString(uid)).map(UserDatabase::account);
    }

    Optional<Long> group(String name) throws BarchanException {
        return entry("group", 0, name).map(fields -> Long.valueOf(fields[2]));
    }

    /** Returns the groups that an account has besides its own. */
    List<Long> supplementaryGroups(Account account) throws BarchanException {
        List<Long> groups = new ArrayList<>();
        if (find(lines("passwd"), 0, account.name()).isPresent()) {
            for (String line : lines("group")) {
                String[] fields = line.split(":", -1);
                if (fields.length == 4
                        && Arrays.asList(fields[3].split(",", -1)).contains(account.name())) {
                    groups.add(Long.valueOf(fields[2]));
                }
            }
        } else {
            String[] words = getent("initgroups", account.name()).split("\\s+");
            Arrays.stream(words)
                    .skip(1)
                    .filter(word -> !word.isEmpty())
                    .map(Long::valueOf)
                    .forEach(groups::add);
        }
        groups.remove(account.gid());
        return groups.stream().distinct().sorted().toList();
    }

    private static Account account(String[] fields) {
        return new Account(fields[0], Long.parseLong(fields[2]), Long.parseLong(fields[3]), fields[5]);
    }

    private Optional<String[]> entry(String database, int field, String value) throws BarchanException {
        Optional<String[]> local = find(lines(database), field, value);
        if (local.isPresent()) {
            return local;
        }
        String found = getent(database, value);
        // getent takes a number for an id, whatever was asked.
        return find(found.lines().toList(), field, value);
    }

    private static Optional<String[]> find(List<String> lines, int field, String value) {
        for (String line : lines) {
            String[] fields = line.split(":", -1);
            if (fields.length >= 4
                    && fields[field].equals(value)
                    && isNumber(fields[2])
                    && (fields.length < 6 || isNumber(fields[3]))) {
                return Optional.of(fields);
            }
        }
        return Optional.empty();
    }

    private static boolean isNumber(String text) {
        return !text.isEmpty() && text.length() <= 10 && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private List<String> lines(String file) throws BarchanException {
        Path path = directory.resolve(file);
        try {
            return Files.exists(path) ? Files.readAllLines(path, StandardCharsets.ISO_8859_1) : List.of();
        } catch (IOException e) {
            throw new BarchanException(Code.PRECONDITION, "can't read " + path + ": " + e.getMessage(), e);
        }
    }

    /** Returns nothing where there is no getent: then the files are all there is. */
    private static String getent(String database, String key) throws BarchanException {
        if (key.isEmpty() || key.startsWith("-")) {
            return "";
        }
        try {
            Process process = new ProcessBuilder("getent", database, key)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            var _ = process.onExit().orTimeout(GETENT_SECONDS, TimeUnit.SECONDS).whenComplete((done, late) -> {
                if (late != null) {
                    process.destroyForcibly();
                }
            });
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            if (process.waitFor() > 128) {
                throw new BarchanException(
                        Code.TIMEOUT,
                        "getent " + database + " " + key + " gave no answer within " + GETENT_SECONDS
                                + " s: is the host's directory service reachable?");
            }
            return out;
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BarchanException(Code.CANCELLED, "interrupted while looking for " + key, e);
        }
    }
}
