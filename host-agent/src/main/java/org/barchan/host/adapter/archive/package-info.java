/** Archives, by Apache Commons Compress. */
@org.jspecify.annotations.NullMarked
package org.barchan.host.adapter.archive;
