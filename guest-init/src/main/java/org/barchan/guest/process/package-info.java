/** The processes of the sandbox: started, supervised, their output kept until it has arrived. */
@NullMarked
package org.barchan.guest.process;

import org.jspecify.annotations.NullMarked;
