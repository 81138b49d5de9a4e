/** The only foreign calls: Linux, by way of guestsys.c. */
@NullMarked
package org.barchan.guest.syscall;

import org.jspecify.annotations.NullMarked;
