/*
 * The part of libjvm.so that the JDK's own libraries call when they serve a native image. All other JVM_* functions that those libraries
 * import are made as stubs that abort (see JvmShim), and the build fails when an image can reach one of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int jio_vsnprintf(char *buffer, size_t size, const char *format, va_list arguments) {
    return vsnprintf(buffer, size, format, arguments);
}

int jio_snprintf(char *buffer, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

int jio_vfprintf(FILE *stream, const char *format, va_list arguments) {
    return vfprintf(stream, format, arguments);
}

int jio_fprintf(FILE *stream, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vfprintf(stream, format, arguments);
    va_end(arguments);
    return length;
}

int JVM_ActiveProcessorCount(void) {
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static long long now(clockid_t clock, long long unit_nanos) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (time.tv_sec * 1000000000LL + time.tv_nsec) / unit_nanos;
}

long long JVM_NanoTime(void *env, void *class) {
    (void)env;
    (void)class;
    return now(CLOCK_MONOTONIC, 1);
}

long long JVM_CurrentTimeMillis(void *env, void *class) {
    (void)env;
    (void)class;
    return now(CLOCK_REALTIME, 1000000);
}

void JVM_BeforeHalt(void) {
}

void JVM_Halt(int status) {
    _exit(status);
}

void *JVM_FindLibraryEntry(void *library, const char *name) {
    return dlsym(library, name);
}

/* Paths need no translation on Unix. */
char *JVM_NativePath(char *path) {
    return path;
}

/* The zip library's locks. */
void *JVM_RawMonitorCreate(void) {
    pthread_mutex_t *mutex = malloc(sizeof *mutex);
    if (mutex) {
        pthread_mutex_init(mutex, NULL);
    }
    return mutex;
}

void JVM_RawMonitorDestroy(void *mutex) {
    pthread_mutex_destroy(mutex);
    free(mutex);
}

int JVM_RawMonitorEnter(void *mutex) {
    return pthread_mutex_lock(mutex);
}

void JVM_RawMonitorExit(void *mutex) {
    pthread_mutex_unlock(mutex);
}
