package org.barchan.cli;

import java.util.List;
import java.util.Optional;
import org.barchan.cli.UserDatabase.Account;
import org.barchan.client.BarchanException;
import org.barchan.client.BarchanException.Code;
import org.barchan.client.Identity;

/** Who a command is in its sandbox: numbers, and what HOME, USER and LOGNAME say. */
record SandboxUser(Identity identity, String name, String home) {
    /** Returns the caller. HOME and USER are as in the caller's environment, as far as they are set there. */
    static SandboxUser caller(Caller caller, UserDatabase database) throws BarchanException {
        String home = caller.environment().getOrDefault("HOME", "");
        String name = caller.environment().getOrDefault("USER", "");
        if (!home.isEmpty() && !name.isEmpty()) {
            return new SandboxUser(caller.identity(), name, home);
        }
        SandboxUser account = ofNumber(caller.identity(), database);
        return new SandboxUser(
                caller.identity(), name.isEmpty() ? account.name : name, home.isEmpty() ? account.home : home);
    }

    static SandboxUser privileged(UserDatabase database) throws BarchanException {
        return ofNumber(new Identity(0, 0, List.of(), true), database);
    }

    /** Reads NAME, UID, NAME:GROUP, UID:GID. A user that is named with its group has that group alone. */
    static SandboxUser parse(String text, UserDatabase database) throws BarchanException {
        int colon = text.indexOf(':');
        String userText = colon < 0 ? text : text.substring(0, colon);
        Optional<Account> account = account(userText, database);
        if (colon >= 0) {
            long gid = group(text, text.substring(colon + 1), database);
            long uid = account.isPresent() ? account.get().uid() : id(text, userText);
            return ofNumber(new Identity(uid, gid, List.of(), false), database);
        }
        if (account.isEmpty()) {
            boolean number = isNumber(userText);
            throw wrong(
                    text,
                    number
                            ? "no user of this host has that number: give the group as well, " + text + ":GID"
                            : "this host has no such user");
        }
        Account found = account.get();
        return new SandboxUser(
                new Identity(found.uid(), found.gid(), database.supplementaryGroups(found), false),
                found.name(),
                found.home());
    }

    private static Optional<Account> account(String text, UserDatabase database) throws BarchanException {
        Optional<Account> byName = database.user(text);
        return byName.isEmpty() && isNumber(text) ? database.user(Long.parseLong(text)) : byName;
    }

    private static long group(String whole, String text, UserDatabase database) throws BarchanException {
        Optional<Long> byName = database.group(text);
        if (byName.isEmpty() && !isNumber(text)) {
            throw wrong(whole, "this host has no group '" + text + "'");
        }
        return byName.isPresent() ? byName.get() : id(whole, text);
    }

    private static long id(String whole, String text) throws BarchanException {
        if (!isNumber(text)) {
            throw wrong(whole, "this host has no user '" + text + "'");
        }
        long id = Long.parseLong(text);
        if (id > Identity.MAXIMUM_ID) {
            throw wrong(whole, id + " is too large (expected: 0 to " + Identity.MAXIMUM_ID + ")");
        }
        return id;
    }

    private static SandboxUser ofNumber(Identity identity, UserDatabase database) throws BarchanException {
        Optional<Account> account = database.user(identity.uid());
        return new SandboxUser(
                identity,
                account.map(Account::name).orElse(Long.toString(identity.uid())),
                account.map(Account::home).filter(home -> !home.isEmpty()).orElse("/"));
    }

    private static boolean isNumber(String text) {
        return text.matches("\\d{1,10}");
    }

    private static BarchanException wrong(String text, String reason) {
        return new BarchanException(Code.INVALID, "invalid value for option '--user': '" + text + "': " + reason);
    }
}
