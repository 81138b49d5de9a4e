@NullMarked
package org.barchan.host.metrics;

import org.jspecify.annotations.NullMarked;
