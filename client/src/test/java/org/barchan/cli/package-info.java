@NullMarked
package org.barchan.cli;

import org.jspecify.annotations.NullMarked;
