package org.barchan.guest.process;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.Identity;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.ResourceLimit;
import org.barchan.v1.WorkingDirectoryPolicy;

/** A process specification in the form that gs_spawn takes: strings that end in NUL, and numbers. */
final class SpawnRequest {
    private static final ByteString PATH = ByteString.copyFromUtf8("PATH");
    /** Where execvp(3) looks when there is no PATH. */
    private static final ByteString DEFAULT_PATH = ByteString.copyFromUtf8("/bin:/usr/bin");

    private static final ByteString SLASH = ByteString.copyFromUtf8("/");

    /** Numbers before those of which there are any number, and how many a limit has. */
    private static final int FIXED = 18;

    private static final int LIMIT = 5;

    private final byte[] strings;
    private final int[] numbers;

    private SpawnRequest(byte[] strings, int[] numbers) {
        this.strings = strings;
        this.numbers = numbers;
    }

    static SpawnRequest of(ProcessSpec spec, int sandbox, int in, int out, int err) {
        List<ByteString> strings = new ArrayList<>();
        List<ByteString> candidates = candidates(spec);
        strings.addAll(candidates);
        strings.addAll(spec.getArgvList());
        for (EnvironmentVariable variable : spec.getEnvironmentList()) {
            strings.add(variable.getName().concat(ByteString.copyFromUtf8("=")).concat(variable.getValue()));
        }
        strings.add(spec.getWorkingDirectory());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (ByteString string : strings) {
            bytes.writeBytes(string.toByteArray());
            bytes.write(0);
        }
        Identity identity = spec.getIdentity();
        int groups = identity.getSupplementaryGidsCount();
        int[] numbers = new int[FIXED + groups + LIMIT * spec.getResourceLimitsCount()];
        numbers[0] = candidates.size();
        numbers[1] = spec.getArgvCount();
        numbers[2] = spec.getEnvironmentCount();
        boolean required =
                spec.getWorkingDirectoryPolicy() != WorkingDirectoryPolicy.WORKING_DIRECTORY_POLICY_ROOT_IF_ABSENT;
        numbers[3] = required ? 1 : 0;
        numbers[4] = sandbox;
        numbers[5] = in;
        numbers[6] = out;
        numbers[7] = err;
        numbers[8] = 1;
        numbers[9] = identity.getUid();
        numbers[10] = identity.getGid();
        numbers[11] = identity.getPrivileged() ? 1 : 0;
        numbers[12] = groups;
        numbers[13] = spec.hasNice() ? 1 : 0;
        numbers[14] = spec.getNice();
        numbers[15] = spec.hasOomScoreAdj() ? 1 : 0;
        numbers[16] = spec.getOomScoreAdj();
        numbers[17] = spec.getResourceLimitsCount();
        for (int i = 0; i < groups; i++) {
            numbers[FIXED + i] = identity.getSupplementaryGids(i);
        }
        for (int i = 0; i < spec.getResourceLimitsCount(); i++) {
            put(spec.getResourceLimits(i), numbers, FIXED + groups + LIMIT * i);
        }
        return new SpawnRequest(bytes.toByteArray(), numbers);
    }

    private static void put(ResourceLimit limit, int[] numbers, int at) {
        // Of all bits: none.
        long soft = limit.hasSoft() ? limit.getSoft() : -1;
        long hard = limit.hasHard() ? limit.getHard() : -1;
        numbers[at] = limit.getResourceValue() - 1;
        numbers[at + 1] = (int) soft;
        numbers[at + 2] = (int) (soft >> Integer.SIZE);
        numbers[at + 3] = (int) hard;
        numbers[at + 4] = (int) (hard >> Integer.SIZE);
    }

    byte[] strings() {
        return strings;
    }

    int[] numbers() {
        return numbers;
    }

    /** Returns the paths at which the command may lie, in the order in which they are tried. */
    static List<ByteString> candidates(ProcessSpec spec) {
        ByteString command = spec.getArgv(0);
        if (command.isEmpty()) {
            return List.of();
        }
        if (contains(command, '/')) {
            return List.of(command);
        }
        ByteString path = DEFAULT_PATH;
        for (EnvironmentVariable variable : spec.getEnvironmentList()) {
            if (variable.getName().equals(PATH)) {
                path = variable.getValue();
            }
        }
        List<ByteString> candidates = new ArrayList<>();
        int start = 0;
        for (int i = 0; i <= path.size(); i++) {
            if (i == path.size() || path.byteAt(i) == ':') {
                ByteString directory = path.substring(start, i);
                // An empty element means the working directory.
                candidates.add(
                        directory.isEmpty() ? command : directory.concat(SLASH).concat(command));
                start = i + 1;
            }
        }
        return candidates;
    }

    private static boolean contains(ByteString string, char c) {
        for (int i = 0; i < string.size(); i++) {
            if (string.byteAt(i) == c) {
                return true;
            }
        }
        return false;
    }
}
