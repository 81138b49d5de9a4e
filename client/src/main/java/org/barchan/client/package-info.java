/**
 * The client library: runs commands in sandboxes of an agent on this host.
 *
 * <p>Begin with {@link org.barchan.client.BarchanClient}. Strings that name things of the operating system (arguments, environment,
 * paths) follow {@link org.barchan.client.RawText}: any bytes can be expressed.
 */
@NullMarked
package org.barchan.client;

import org.jspecify.annotations.NullMarked;
