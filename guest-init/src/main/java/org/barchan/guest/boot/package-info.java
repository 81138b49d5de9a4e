/** The order in which the guest comes up. */
@NullMarked
package org.barchan.guest.boot;

import org.jspecify.annotations.NullMarked;
