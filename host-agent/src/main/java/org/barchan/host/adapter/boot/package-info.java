/**
 * Makes what a guest boots from out of what the host has: its kernels, their modules, and the guest's own files.
 *
 * <p>{@link org.barchan.host.adapter.boot.CachedBootFiles} is the way in. Nothing here starts a program: images are read, taken
 * apart and written by libraries, and all that is made is kept by the digest of what it was made from.
 */
@NullMarked
package org.barchan.host.adapter.boot;

import org.jspecify.annotations.NullMarked;
