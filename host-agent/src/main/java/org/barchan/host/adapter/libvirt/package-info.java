/**
 * Machines on libvirt's QEMU driver.
 *
 * <p>Libvirt keeps the truth: each domain carries its {@link org.barchan.host.port.MachineRecord} as metadata, and nothing about it
 * is written elsewhere. Domains are transient, so that none outlives its QEMU.
 *
 * <p>Locks: none of this package is held over a call into libvirt. Events arrive on one thread, which must not block.
 */
@NullMarked
package org.barchan.host.adapter.libvirt;

import org.jspecify.annotations.NullMarked;
