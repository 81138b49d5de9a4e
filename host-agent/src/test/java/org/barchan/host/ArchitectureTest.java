package org.barchan.host;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which package may use which. */
final class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("org.barchan.host");

    @Test
    void classes_areThere() {
        // Rules over nothing hold always.
        assertTrue(CLASSES.size() > 100, () -> "only " + CLASSES.size() + " classes found");
    }

    @ParameterizedTest
    @CsvSource({
        "sandbox, port|lifecycle|api|metrics|config|adapter",
        "port, lifecycle|api|metrics|config|adapter",
        "lifecycle, api|metrics|config|adapter",
        "api, port|metrics|config|adapter",
        "metrics, port|api|config|adapter",
        "config, port|lifecycle|api|metrics|adapter",
        "adapter, lifecycle|api|metrics|config"
    })
    void package_usesNoneAboveIt(String name, String forbidden) {
        String[] packages = forbidden.split("\\|", -1);
        for (int i = 0; i < packages.length; i++) {
            packages[i] = "org.barchan.host." + packages[i] + "..";
        }
        noClasses()
                .that()
                .resideInAPackage("org.barchan.host." + name + "..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(packages)
                .check(CLASSES);
    }

    @Test
    void adapters_doNotUseEachOther() {
        SlicesRuleDefinition.slices()
                .matching("org.barchan.host.adapter.(*)..")
                .should()
                .notDependOnEachOther()
                .check(CLASSES);
    }

    @Test
    void wiring_isUsedByNobody() {
        noClasses()
                .that()
                .resideInAPackage("org.barchan.host.*..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.barchan.host")
                .check(CLASSES);
    }

    @Test
    void domain_dependsOnTheJdkAlone() {
        classes()
                .that()
                .resideInAPackage("org.barchan.host.sandbox")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("org.barchan.host.sandbox", "java..", "org.jspecify..")
                .check(CLASSES);
    }

    @ParameterizedTest
    @CsvSource({
        "org.libvirt.., adapter.libvirt",
        "com.sun.jna.., adapter.l*",
        "org.apache.commons.compress.., adapter.boot|adapter.archive",
        "io.prometheus.., metrics",
        "io.grpc.stub.., api|adapter.link",
        "io.grpc.netty.., api|adapter.link"
    })
    void library_isUsedByItsAdaptersAlone(String library, String users) {
        String[] packages = users.split("\\|", -1);
        for (int i = 0; i < packages.length; i++) {
            packages[i] = "org.barchan.host." + packages[i] + "..";
        }
        noClasses()
                .that()
                .resideOutsideOfPackages(packages)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(library)
                .check(CLASSES);
    }
}
