/*
 * What a GraalVM distribution has in libsvm_container.a: the limits of a container, read from cgroups. An image built here is told the size
 * of its heap when it is built, so it says that it is in no container. The functions for limits within one are then never called; the
 * linker misses them if an image can reach them.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <unistd.h>

enum { SUCCESS_IS_NOT_CONTAINERIZED = 0 };

int svm_container_initialize(int version) {
    (void)version;
    return SUCCESS_IS_NOT_CONTAINERIZED;
}

size_t svm_container_physical_memory(void) {
    return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

int svm_container_active_processor_count(void) {
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}
