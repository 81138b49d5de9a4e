/*
 * What a GraalVM distribution has in liblibchelper.a: the C side of the @CFunction methods of com.oracle.svm.core that an image calls.
 * Linked into the image. An image that reaches a function which is missing here fails to link, so that nothing is missed silently.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "amd64cpufeatures.h"
#include "svm_locale.h"

/* AMD64LibCHelper. The features that every x86-64 CPU has: those are all that an image for any CPU ("compatibility") may count on. */
void determineCPUFeatures(CPUFeatures *features) {
    memset(features, 0, sizeof *features);
    features->fCX8 = features->fCMOV = features->fFXSR = features->fMMX = features->fSSE = features->fSSE2 = 1;
}

/* Zero: the CPU has all that the image was compiled for. Images are compiled for any CPU, so there is nothing to miss. */
int checkCPUFeatures(unsigned char *required) {
    (void)required;
    return 0;
}

int checkCPUFeaturesOrExit(unsigned char *required, const char *message) {
    (void)message;
    return checkCPUFeatures(required);
}

/* LocaleCHelper. The language of an image is English; the environment's locale is not looked at. */
static const svm_locale_props_t english = {.format_language = "en", .display_language = "en"};

int svm_initialize_locale(void) {
    return SVM_LOCALE_INITIALIZATION_SUCCEEDED;
}

const svm_locale_props_t *svm_get_locale(void) {
    return &english;
}

/* LibCHelper. The caller frees the result. */
char *SVM_FindJavaTZmd(const char *mappings, int length) {
    (void)mappings;
    (void)length;
    return strdup("UTC");
}

/* LinuxLibCHelper and PosixDirectives: functions that are variadic in C or have no wrapper in libc. */
pid_t getThreadId(void) {
    return (pid_t)syscall(SYS_gettid);
}

int openSII(const char *path, int flags, int mode) {
    return open(path, flags, mode);
}

void *mremapP(void *old, size_t old_size, size_t new_size, int flags, void *new_address) {
    return mremap(old, old_size, new_size, flags, new_address);
}

int fprintfSD(FILE *stream, const char *format, char *string, int number) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return fprintf(stream, format, string, number);
#pragma GCC diagnostic pop
}

/* Jvm, by this unspecific name: called once, so that a distribution's libjvm.a can read its clocks' frequency. Ours needs nothing. */
void initialize(void) {
}

/* CSunMiscSignal: signals are counted by the handler, and a thread of the image that waits on the semaphore dispatches them. */
static sem_t signal_arrived;
static bool signals_open;
static volatile int pending[NSIG];

int cSunMiscSignal_open(void) {
    if (__atomic_exchange_n(&signals_open, true, __ATOMIC_SEQ_CST)) {
        errno = EBUSY;
        return -1;
    }
    return sem_init(&signal_arrived, 0, 0);
}

int cSunMiscSignal_close(void) {
    __atomic_store_n(&signals_open, false, __ATOMIC_SEQ_CST);
    return 0;
}

int cSunMiscSignal_awaitSemaphore(void) {
    int result;
    do {
        result = sem_wait(&signal_arrived);
    } while (result < 0 && errno == EINTR);
    return result;
}

int cSunMiscSignal_signalSemaphore(void) {
    return sem_post(&signal_arrived);
}

/* A C boolean: can the signal have a handler? */
int cSunMiscSignal_signalRangeCheck(int number) {
    return number > 0 && number < NSIG;
}

/* Takes one signal that has arrived: its number, or -1 if there is none. */
int cSunMiscSignal_checkPendingSignal(void) {
    for (int number = 1; number < NSIG; number++) {
        int count = __atomic_load_n(&pending[number], __ATOMIC_SEQ_CST);
        while (count > 0) {
            if (__atomic_compare_exchange_n(&pending[number], &count, count - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
                return number;
            }
        }
    }
    return -1;
}

static void count_signal(int number) {
    int saved_errno = errno;
    __atomic_fetch_add(&pending[number], 1, __ATOMIC_SEQ_CST);
    sem_post(&signal_arrived);
    errno = saved_errno;
}

typedef void (*signal_handler)(int);

signal_handler cSunMiscSignal_signalHandlerFunctionPointer(void) {
    return count_signal;
}

/*
 * A statically linked JDK library has JNI_OnLoad_<library>; the shared one has JNI_OnLoad. The image asks for JNI 1.8 at least, and the
 * shared libraries say 1.2 or so, which is refused for static ones: hence the answer here, whatever theirs is.
 */
enum { JNI_VERSION_1_8 = 0x00010008 };

static int load(const char *library, void *vm, void *reserved) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
    if (handle) {
        int (*on_load)(void *, void *);
        *(void **)&on_load = dlsym(handle, "JNI_OnLoad");
        if (on_load) {
            on_load(vm, reserved);
        }
        dlclose(handle);
    }
    return JNI_VERSION_1_8;
}

int JNI_OnLoad_java(void *vm, void *reserved) {
    return load("libjava.so", vm, reserved);
}

int JNI_OnLoad_net(void *vm, void *reserved) {
    return load("libnet.so", vm, reserved);
}

int JNI_OnLoad_nio(void *vm, void *reserved) {
    return load("libnio.so", vm, reserved);
}

int JNI_OnLoad_zip(void *vm, void *reserved) {
    return load("libzip.so", vm, reserved);
}

int JNI_OnLoad_extnet(void *vm, void *reserved) {
    return load("libextnet.so", vm, reserved);
}
