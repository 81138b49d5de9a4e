package org.barchan.guest.process;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.Identity;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.WorkingDirectoryPolicy;

/** A process specification in the form that gs_spawn takes: strings that end in NUL, and numbers. */
final class SpawnRequest {
    private static final ByteString PATH = ByteString.copyFromUtf8("PATH");
    /** Where execvp(3) looks when there is no PATH. */
    private static final ByteString DEFAULT_PATH = ByteString.copyFromUtf8("/bin:/usr/bin");

    private static final ByteString SLASH = ByteString.copyFromUtf8("/");

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
        int[] numbers = new int[13 + Math.max(1, identity.getSupplementaryGidsCount())];
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
        numbers[12] = identity.getSupplementaryGidsCount();
        for (int i = 0; i < identity.getSupplementaryGidsCount(); i++) {
            numbers[13 + i] = identity.getSupplementaryGids(i);
        }
        return new SpawnRequest(bytes.toByteArray(), numbers);
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
