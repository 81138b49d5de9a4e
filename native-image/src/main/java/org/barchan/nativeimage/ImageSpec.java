package org.barchan.nativeimage;

import java.nio.file.Path;
import java.util.List;

/**
 * What to build.
 *
 * @param classPath directories and jars of the program
 * @param mainClass binary name of the class that has main
 * @param output the executable; its directory exists
 * @param objects object files to link in
 * @param libraryPath where the executable looks for shared libraries, as the dynamic loader reads it: $ORIGIN is the executable's directory
 * @param options in the syntax of the native-image program
 */
record ImageSpec(
        List<Path> classPath,
        String mainClass,
        Path output,
        List<Path> objects,
        String libraryPath,
        List<String> options) {
    ImageSpec {
        classPath = List.copyOf(classPath);
        objects = List.copyOf(objects);
        options = List.copyOf(options);
    }
}
