/** Measures what SPECIFICATION.md claims, against the least that QEMU itself takes. */
@NullMarked
package org.barchan.bench;

import org.jspecify.annotations.NullMarked;
