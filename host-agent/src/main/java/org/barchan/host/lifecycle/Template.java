package org.barchan.host.lifecycle;

import java.time.Instant;
import java.util.Optional;

/**
 * A guest that was booted and saved, for sandboxes to go on from.
 *
 * @param id of what all templates of its kind have in common: others of another kind have another
 * @param bytes how large it is
 * @param lastUseTime when a sandbox was last made from it; empty if none was; when it was made, if that is all that is known
 * @param description empty where it can't be read
 */
public record Template(
        String id, long bytes, Optional<Instant> lastUseTime, Optional<TemplateDescription> description) {
    /** Returns when it was last touched, by a sandbox or by who made it. */
    Instant touched() {
        return lastUseTime
                .or(() -> description.map(TemplateDescription::createTime))
                .orElse(Instant.EPOCH);
    }
}
