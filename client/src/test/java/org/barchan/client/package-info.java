@NullMarked
package org.barchan.client;

import org.jspecify.annotations.NullMarked;
