@NullMarked
package org.barchan.host.api;

import org.jspecify.annotations.NullMarked;
