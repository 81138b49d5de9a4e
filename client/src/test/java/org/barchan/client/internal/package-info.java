@NullMarked
package org.barchan.client.internal;

import org.jspecify.annotations.NullMarked;
