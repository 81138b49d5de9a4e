@NullMarked
package org.barchan.host.config;

import org.jspecify.annotations.NullMarked;
