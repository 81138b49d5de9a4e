/** The Linux machine that the agent runs on: its users, its devices, its QEMU, the agent's own standard streams. */
@NullMarked
package org.barchan.host.adapter.linux;

import org.jspecify.annotations.NullMarked;
