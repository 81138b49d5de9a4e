/** The agent's process: wiring, lock, log, life. */
@NullMarked
package org.barchan.host;

import org.jspecify.annotations.NullMarked;
