@NullMarked
package org.barchan.host;

import org.jspecify.annotations.NullMarked;
