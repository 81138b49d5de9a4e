@NullMarked
package org.barchan.host.adapter.linux;

import org.jspecify.annotations.NullMarked;
