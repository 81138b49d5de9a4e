/** Tests of the whole, as a user meets it: programs, files and exit statuses, with real virtual machines. */
@NullMarked
package org.barchan.it;

import org.jspecify.annotations.NullMarked;
