/** An agent without sandboxes, for tests of what talks to one. */
@NullMarked
package org.barchan.testing;

import org.jspecify.annotations.NullMarked;
