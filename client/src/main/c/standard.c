/*
 * What the barchan command does that Java can't: its standard files as they were when it started, its terminal, and signals. Linked
 * into its native image.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static struct timespec began;
static int closed;
static sigset_t received;

static struct termios before;
static bool raw;

/* Unlike SIG_IGN, no program that this one starts inherits it. */
static void do_nothing(int signal) { (void)signal; }

/*
 * Runs before main, with one thread. A closed descriptor would be taken by a file that the command opens: it leads to /dev/null now.
 * The signals are blocked for all threads that there will ever be, and none is lost while the command starts: they stay pending until
 * a thread waits for them. SIGQUIT is among them, which Java would keep for itself. A write that nobody reads is to fail, not to kill.
 */
__attribute__((constructor)) static void start(void) {
  clock_gettime(CLOCK_MONOTONIC, &began);
  for (int fd = 0; fd < 3; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) == fd) {
      closed |= 1 << fd;
    }
  }
  static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCONT, SIGWINCH};
  sigemptyset(&received);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    sigaddset(&received, signals[i]);
  }
  sigprocmask(SIG_BLOCK, &received, NULL);
  struct sigaction pipe;
  if (sigaction(SIGPIPE, NULL, &pipe) == 0 && pipe.sa_handler != SIG_IGN) {
    pipe.sa_handler = do_nothing;
    pipe.sa_flags = SA_RESTART;
    sigaction(SIGPIPE, &pipe, NULL);
  }
}

/* Microseconds since the program was loaded. */
long bc_age(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - began.tv_sec) * 1000000 + (now.tv_nsec - began.tv_nsec) / 1000;
}

int bc_was_closed(int fd) { return closed >> fd & 1; }

int bc_is_terminal(int fd) { return isatty(fd); }

/* The number of the next signal that arrives, or has; negative if there can be none. */
int bc_await_signal(void) {
  int signal;
  return sigwait(&received, &signal) == 0 ? signal : -1;
}

/* Rows and columns, in the upper and the lower half; -1 if it is none. */
long bc_terminal_size(int fd) {
  struct winsize size;
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? (long)size.ws_row << 32 | size.ws_col : -1;
}

/* Whether standard input is a raw terminal now. */
int bc_make_raw(void) {
  struct termios modes;
  if (tcgetattr(0, &modes) != 0) {
    return raw;
  }
  if (!raw) {
    before = modes;
  }
  cfmakeraw(&modes);
  raw = tcsetattr(0, TCSADRAIN, &modes) == 0 || raw;
  return raw;
}

void bc_restore(void) {
  if (raw) {
    tcsetattr(0, TCSADRAIN, &before);
    raw = false;
  }
}
