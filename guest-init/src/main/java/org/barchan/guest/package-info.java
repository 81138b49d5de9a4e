/** Process 1 of a sandbox's guest. */
@NullMarked
package org.barchan.guest;

import org.jspecify.annotations.NullMarked;
