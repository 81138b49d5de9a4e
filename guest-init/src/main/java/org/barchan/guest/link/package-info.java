/** The guest's end of the link. */
@NullMarked
package org.barchan.guest.link;

import org.jspecify.annotations.NullMarked;
