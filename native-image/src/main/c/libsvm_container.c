/*
 * What a GraalVM distribution has in libsvm_container.a: limits of a container, read from cgroups. An image built here never looks at
 * cgroups: it is told the size of its heap when it is built.
 */
typedef int svm_container_is_unused;
