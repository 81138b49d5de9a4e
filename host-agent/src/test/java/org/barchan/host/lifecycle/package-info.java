@NullMarked
package org.barchan.host.lifecycle;

import org.jspecify.annotations.NullMarked;
