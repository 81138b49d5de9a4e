package org.barchan.cli;

import java.util.List;
import org.barchan.client.BarchanException;

/** What a verb does to each of the sandboxes that it is given. */
interface EachSandbox {
    void act(String name) throws BarchanException;

    /** Acts on all of them; one that fails keeps no other from it. Returns the verb's exit status. */
    static int of(List<String> names, EachSandbox action) {
        int status = ExitStatus.OK;
        for (String name : names) {
            try {
                action.act(name);
            } catch (BarchanException e) {
                Messages.error(e);
                status = ExitStatus.BARCHAN_FAILED;
            }
        }
        return status;
    }
}
