/** The service that the agent calls. */
@NullMarked
package org.barchan.guest.api;

import org.jspecify.annotations.NullMarked;
