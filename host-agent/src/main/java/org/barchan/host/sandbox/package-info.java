/** The domain: what a sandbox is. Depends on the JDK alone. */
@NullMarked
package org.barchan.host.sandbox;

import org.jspecify.annotations.NullMarked;
