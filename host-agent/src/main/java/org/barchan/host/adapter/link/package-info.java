/**
 * Calls guests over the framed link: gRPC inside of HTTP/2 inside of frames over a unix socket.
 *
 * <p>A guest is hostile. From the socket inwards: {@link org.barchan.host.adapter.link.LinkHandler} lets frames of the current epoch
 * through, {@link org.barchan.host.adapter.link.FrameGuard} bounds what HTTP/2 has to bear, gRPC bounds headers and messages, and
 * the rest checks values and escapes text.
 */
@NullMarked
package org.barchan.host.adapter.link;

import org.jspecify.annotations.NullMarked;
