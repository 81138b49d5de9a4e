package org.barchan.link;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class XxHash64Test {
    private static final long SEED = 0x9E3779B97F4A7C15L;

    /** Computed with the reference implementation, for byte i = 31 i + 7. */
    @ParameterizedTest
    @CsvSource({
        "0, ef46db3751d8e999, c4349fc93c010000",
        "1, a96c7f0ce858bbb7, 585882422a6165e7",
        "3, 56e6957632a487f9, 5acb303e78133c22",
        "4, c60d15b1e3ff8f04, 7d51d5e2461732b3",
        "7, afbefc3d6c6f9a8e, 2ce9adec2b2c8104",
        "8, 3da5c7aa269683e0, 758848f033fa76a2",
        "15, ae2a37eb9357caa7, a18d5c90d722cee3",
        "31, 4a74f3a1a39ad4a1, 8137041f5af88413",
        "32, 8d57d6a4671cc43d, 184ebcf3745cd46c",
        "33, 62c9fd21ed857664, 52fac3c981f3cc2e",
        "63, 5c320a0d2707057f, 64ef99a2e94cc7bd",
        "64, 7bbabbc45729d17e, f7f22435fe1ab128",
        "100, efa0ad2d3e70c151, bc7ab33be7528c18",
        "65536, ce06607392c5113f, e46c8c8677fbd694"
    })
    void of_isTheReferences_whereverTheBytesAre(int length, String unseeded, String seeded) {
        for (int offset : new int[] {0, 3}) {
            ByteBuffer heap = ByteBuffer.allocate(offset + length);
            ByteBuffer direct = ByteBuffer.allocateDirect(offset + length);
            for (int i = 0; i < length; i++) {
                heap.put(offset + i, (byte) (31 * i + 7));
                direct.put(offset + i, (byte) (31 * i + 7));
            }
            for (ByteBuffer bytes : new ByteBuffer[] {heap, direct}) {
                assertEquals(unseeded, "%016x".formatted(XxHash64.of(bytes, offset, length, 0)));
                assertEquals(seeded, "%016x".formatted(XxHash64.of(bytes, offset, length, SEED)));
            }
        }
    }
}
