/** What the agent counts and measures, served to Prometheus where that is asked for. Labels have few values, all known beforehand: no id or name. */
@NullMarked
package org.barchan.host.metrics;

import org.jspecify.annotations.NullMarked;
