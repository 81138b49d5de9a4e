package org.barchan.client;

/**
 * What an agent is.
 *
 * @param libvirtVersion empty where libvirt is missing
 * @param pid its process id on its host
 */
public record AgentInfo(String version, String libvirtVersion, long pid, String stateDirectory) {}
