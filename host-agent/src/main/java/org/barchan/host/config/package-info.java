/** The agent's configuration, read once. */
@NullMarked
package org.barchan.host.config;

import org.jspecify.annotations.NullMarked;
