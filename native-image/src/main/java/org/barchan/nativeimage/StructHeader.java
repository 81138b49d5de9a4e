package org.barchan.nativeimage;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Annotation;
import java.lang.classfile.AnnotationValue;
import java.lang.classfile.AttributedElement;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.constant.ClassDesc;
import java.util.List;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * A C header that a GraalVM distribution would bring, made from the builder's own classes: a {@code @CStruct} interface has a method
 * for each field of the struct, a {@code @CConstant} method stands for a constant. So both sides agree in every version; the order of
 * fields and the values of constants are ours to choose, since the C side is compiled against the same header.
 *
 * @param fileName name of the header below the include directory
 * @param structInterface binary name of the {@code @CStruct} interface
 * @param constantsClass binary name of the class with the {@code @CConstant} methods, if there are any
 */
record StructHeader(String fileName, String structInterface, Optional<String> constantsClass) {
    private static final String STRUCT = "org.graalvm.nativeimage.c.struct.CStruct";
    private static final String FIELD = "org.graalvm.nativeimage.c.struct.CField";
    private static final String CONSTANT = "org.graalvm.nativeimage.c.constant.CConstant";

    /** All that the builder asks for. It reads those of every architecture, whatever it builds for. */
    static final List<StructHeader> ALL = List.of(
            cpuFeatures("amd64", "AMD64"),
            cpuFeatures("aarch64", "AArch64"),
            cpuFeatures("riscv64", "RISCV64"),
            new StructHeader(
                    "svm_locale.h",
                    "com.oracle.svm.core.c.locale.LocaleCHelper$LocaleProps",
                    Optional.of("com.oracle.svm.core.c.locale.LocaleCHelper")));

    private static StructHeader cpuFeatures(String architecture, String prefix) {
        return new StructHeader(
                architecture + "cpufeatures.h",
                "com.oracle.svm.core." + architecture + "." + prefix + "LibCHelper$CPUFeatures",
                Optional.empty());
    }

    /**
     * Returns the header's text.
     *
     * @param svm the builder's jar
     * @throws BuildException if the jar has no such class, or one of another shape than known here
     */
    String derive(ZipFile svm) throws BuildException {
        StringBuilder text = new StringBuilder("#pragma once\n");
        if (constantsClass.isPresent()) {
            int value = 0;
            for (MethodModel method : load(svm, constantsClass.get()).methods()) {
                if (annotation(method, CONSTANT).isPresent()) {
                    text.append("#define ")
                            .append(name(method, CONSTANT))
                            .append(' ')
                            .append(value++)
                            .append('\n');
                }
            }
        }
        ClassModel struct = load(svm, structInterface);
        if (annotation(struct, STRUCT).isEmpty()) {
            throw new BuildException(
                    structInterface + " of " + svm.getName() + " has no @CStruct annotation; " + otherVersion());
        }
        text.append("typedef struct {\n");
        for (MethodModel method : struct.methods()) {
            if (annotation(method, FIELD).isPresent()) {
                text.append("  ")
                        .append(cType(method))
                        .append(' ')
                        .append(name(method, FIELD))
                        .append(";\n");
            }
        }
        String simpleName = structInterface.substring(structInterface.lastIndexOf('$') + 1);
        return text.append("} ")
                .append(value(struct, STRUCT).orElse(simpleName))
                .append(";\n")
                .toString();
    }

    private static ClassModel load(ZipFile jar, String className) throws BuildException {
        ZipEntry entry = jar.getEntry(className.replace('.', '/') + ".class");
        if (entry == null) {
            throw new BuildException(jar.getName() + " has no class " + className + "; " + otherVersion());
        }
        try (InputStream in = jar.getInputStream(entry)) {
            return ClassFile.of().parse(in.readAllBytes());
        } catch (IOException | IllegalArgumentException e) {
            throw new BuildException("can't read " + className + " from " + jar.getName() + ": " + e.getMessage(), e);
        }
    }

    private static String cType(MethodModel method) throws BuildException {
        String returned = method.methodTypeSymbol().returnType().descriptorString();
        return switch (returned) {
            // @AllowNarrowingCast: read as a byte that is zero or not.
            case "Z" -> "char";
            case "Lorg/graalvm/nativeimage/c/type/CCharPointer;" -> "char *";
            default ->
                throw new BuildException("struct field " + method.methodName().stringValue() + " has type " + returned
                        + ", which has no known C type; " + otherVersion());
        };
    }

    private static String name(MethodModel method, String annotation) {
        return value(method, annotation).orElse(method.methodName().stringValue());
    }

    private static Optional<String> value(AttributedElement element, String annotation) {
        return annotation(element, annotation)
                .flatMap(a -> a.elements().stream()
                        .filter(e -> e.name().equalsString("value"))
                        .findFirst())
                .map(e -> ((AnnotationValue.OfString) e.value()).stringValue())
                .filter(value -> !value.isEmpty());
    }

    private static Optional<Annotation> annotation(AttributedElement element, String type) {
        return element.findAttribute(Attributes.runtimeVisibleAnnotations())
                .flatMap(all -> all.annotations().stream()
                        .filter(a -> a.classSymbol().equals(ClassDesc.of(type)))
                        .findFirst());
    }

    private static String otherVersion() {
        return "the driver knows the builder of GraalVM 25.0; adapt it to this version";
    }
}
