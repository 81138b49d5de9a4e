/** Options that verbs share, and the values that they are parsed into. */
@NullMarked
package org.barchan.cli.option;

import org.jspecify.annotations.NullMarked;
