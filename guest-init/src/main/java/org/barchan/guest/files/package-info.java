/** Files of the sandbox, read and written for the agent. */
@NullMarked
package org.barchan.guest.files;

import org.jspecify.annotations.NullMarked;
