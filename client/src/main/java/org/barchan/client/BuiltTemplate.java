package org.barchan.client;

/**
 * What came of building a template.
 *
 * @param made whether it was made now: else it was there
 */
public record BuiltTemplate(Template template, boolean made) {}
