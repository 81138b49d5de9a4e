/** What the sandbox takes of its guest, as the kernel says. */
@NullMarked
package org.barchan.guest.stats;

import org.jspecify.annotations.NullMarked;
