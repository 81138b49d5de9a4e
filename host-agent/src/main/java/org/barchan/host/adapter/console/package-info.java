/** The consoles of guests, read from the unix sockets that QEMU offers. */
@NullMarked
package org.barchan.host.adapter.console;

import org.jspecify.annotations.NullMarked;
