package org.barchan.host.lifecycle;

import java.util.Optional;
import org.barchan.host.sandbox.SandboxException;
import org.barchan.host.sandbox.SandboxId;
import org.barchan.host.sandbox.SandboxName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives sandboxes other names, one at a time. Safe for use by many threads. */
final class SandboxNames {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxNames.class);

    private final Registry registry;
    private final SandboxLookup lookup;
    private final SandboxRecords records;
    private final Events events;
    private final CreatedSandboxes created;

    SandboxNames(
            Registry registry, SandboxLookup lookup, SandboxRecords records, Events events, CreatedSandboxes created) {
        this.created = created;
        this.registry = registry;
        this.lookup = lookup;
        this.records = records;
        this.events = events;
    }

    /** See {@link Sandboxes#rename}. */
    SandboxView rename(String idOrName, SandboxName name) throws SandboxException, InterruptedException {
        Optional<Sandbox> live = lookup.findLive(idOrName);
        synchronized (this) {
            if (live.isPresent()) {
                renameLive(live.get(), name);
                return live.get().view();
            }
            SandboxRecord kept = lookup.findKept(idOrName);
            SandboxName before = kept.view().name();
            if (kept.isCreated()) {
                created.rename(kept, name);
            } else {
                checkFree(kept, name);
                records.rename(kept, name);
            }
            events.renamed(kept.view().id(), before, name);
            return kept.view();
        }
    }

    /** What is kept says so before anybody is told; its machine's description keeps the name that it was made with. */
    private void renameLive(Sandbox sandbox, SandboxName name) throws SandboxException {
        SandboxName before = registry.rename(sandbox, name);
        SandboxName noted = before;
        try {
            if (sandbox.record().isPresent()) {
                records.rename(sandbox.record().get(), name);
            }
            noted = name;
            events.renamed(sandbox.id(), before, name);
            LOG.info("{}: renamed from '{}' to '{}'", sandbox.id(), before, name);
        } finally {
            registry.renamed(sandbox, noted);
        }
    }

    /** Of two that have ended and have a name in common, one could not be found by it. */
    private void checkFree(SandboxRecord ended, SandboxName name) throws SandboxException {
        SandboxId id = ended.view().id();
        registry.checkFree(id, name, "renaming " + id + " to '" + name + "'");
        Optional<SandboxRecord> other = records.ended()
                .filter(record -> record != ended && record.view().name().equals(name))
                .findFirst();
        if (other.isPresent()) {
            throw new SandboxException(
                    SandboxException.Code.ALREADY_EXISTS,
                    "renaming " + id + " to '" + name + "': "
                            + other.get().view().id() + ", which has ended too, has that name");
        }
    }
}
