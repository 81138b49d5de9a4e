package org.barchan.host.adapter.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ReleaseOrderTest {
    @Test
    void sort_releases_byAge() {
        List<String> releases = List.of(
                "",
                "0-rescue-0123456789",
                "5.10.0-9-amd64",
                "5.10.0-10-amd64",
                "6.1.0-56-amd64",
                "6.1.0-56-cloud-amd64",
                "6.1.0-100000000000000000000000-amd64",
                "6.9",
                "6.12-rc2-amd64",
                "6.12-rc10-amd64",
                "6.12~rc11-amd64",
                "6.12",
                "6.12-amd64",
                "6.12.1");
        List<String> shuffled = new ArrayList<>(releases);
        Collections.shuffle(shuffled, new Random(3));
        shuffled.sort(new ReleaseOrder());
        assertEquals(releases, shuffled);
    }
}
