package org.barchan;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.jupiter.api.Test;

/** Which package may use which. */
final class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("org.barchan.cli", "org.barchan.client");

    @Test
    void classes_areFound() {
        assertTrue(CLASSES.size() > 60, "too few classes for these rules to mean anything: " + CLASSES.size());
    }

    @Test
    void cli_usesThePublicClientAlone() {
        check(noClasses()
                .that()
                .resideInAPackage("org.barchan.cli..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "org.barchan.client.internal..",
                        "org.barchan.v1..",
                        "org.barchan.guest..",
                        "io.grpc..",
                        "com.google.protobuf.."));
    }

    @Test
    void library_knowsNoCommandLine() {
        check(noClasses()
                .that()
                .resideInAPackage("org.barchan.client..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.barchan.cli..", "picocli..", "com.google.gson.."));
    }

    @Test
    void publicLibrary_hasNoTransportTypes() {
        check(noClasses()
                .that()
                .resideInAPackage("org.barchan.client")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.barchan.v1..", "io.grpc..", "com.google.."));
    }

    @Test
    void options_knowNoVerbs() {
        check(noClasses()
                .that()
                .resideInAPackage("org.barchan.cli.option")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.barchan.cli"));
    }

    private static void check(ArchRule rule) {
        rule.check(CLASSES);
    }
}
