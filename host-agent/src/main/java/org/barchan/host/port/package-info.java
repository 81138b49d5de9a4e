/**
 * What the use cases need of the world, each a narrow interface with one adapter behind it.
 *
 * <p>The messages {@code ProcessSpec}, {@code ProcessEvent} and {@code Termination} of {@code barchan.v1} are the vocabulary
 * for processes here: immutable values that both protocols share, so that output bytes pass through without a copy.
 */
@NullMarked
package org.barchan.host.port;

import org.jspecify.annotations.NullMarked;
