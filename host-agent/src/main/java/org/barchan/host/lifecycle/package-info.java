/**
 * What can be done with sandboxes: run, get, list, delete, take over after a restart, diagnose.
 *
 * <p>Each sandbox is minded by one virtual thread that makes it, follows its process and takes it down; all others only tell that thread
 * to stop. Locks are never nested, save that {@code Hypervisors} holds its lock while the sandboxes of a hypervisor are taken over, and
 * that {@code Events}, which takes no lock but its journal's, may be told something under any lock.
 */
@NullMarked
package org.barchan.host.lifecycle;

import org.jspecify.annotations.NullMarked;
