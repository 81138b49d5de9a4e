/** The {@code barchan} command: one class a verb, over the public client library alone. */
@NullMarked
package org.barchan.cli;

import org.jspecify.annotations.NullMarked;
