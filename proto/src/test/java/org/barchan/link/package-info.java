@NullMarked
package org.barchan.link;

import org.jspecify.annotations.NullMarked;
