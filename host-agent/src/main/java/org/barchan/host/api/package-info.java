/** The public API over gRPC: services, the mapping between messages and the domain, who may call. */
@NullMarked
package org.barchan.host.api;

import org.jspecify.annotations.NullMarked;
