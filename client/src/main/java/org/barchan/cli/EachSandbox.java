package org.barchan.cli;

import java.util.List;
import org.barchan.client.BarchanClient;
import org.barchan.client.BarchanException;

/** What a verb does to each of the sandboxes that it is given. */
interface EachSandbox {
    void act(BarchanClient client, String name) throws BarchanException;

    /** Acts on all of them; one that fails keeps no other from it. Returns the verb's exit status. */
    static int of(List<String> names, EachSandbox action) throws BarchanException {
        try (BarchanClient client = BarchanClient.connect(Agents.of(Caller.current()))) {
            int status = ExitStatus.OK;
            for (String name : names) {
                try {
                    action.act(client, name);
                } catch (BarchanException e) {
                    Messages.error(e);
                    status = ExitStatus.BARCHAN_FAILED;
                }
            }
            return status;
        }
    }
}
