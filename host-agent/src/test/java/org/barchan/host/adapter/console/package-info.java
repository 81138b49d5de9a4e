@NullMarked
package org.barchan.host.adapter.console;

import org.jspecify.annotations.NullMarked;
