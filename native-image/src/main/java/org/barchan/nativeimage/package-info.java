/**
 * Builds a native executable from Java classes: with the GraalVM distribution at GRAALVM_HOME if there is one, else with the builder
 * from Maven Central on a stock JDK, whose missing native parts are replaced by the C sources of this module. README.md says how.
 */
@NullMarked
package org.barchan.nativeimage;

import org.jspecify.annotations.NullMarked;
