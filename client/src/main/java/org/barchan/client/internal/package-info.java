/** How the library talks with an agent. No API: use {@link org.barchan.client}. */
@NullMarked
package org.barchan.client.internal;

import org.jspecify.annotations.NullMarked;
