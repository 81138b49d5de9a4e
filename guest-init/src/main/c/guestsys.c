/*
 * The system calls of the sandbox's init, linked into its native image. Each function returns a value >= 0, or -errno.
 *
 * Spawning does not fork: the image has many threads, and a fork would copy its page tables. The child shares the memory of
 * the parent, which waits until the child has executed its program or is gone (vfork(2)); so the child may use nothing but
 * system calls and its own stack. It takes on its identity by raw system calls, because glibc's wrappers would tell
 * all threads of the parent to take it on too.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/random.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static long result(long r) { return r < 0 ? -errno : r; }

static int64_t exec_micros;

int64_t gs_uptime_micros(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int64_t gs_exec_micros(void) { return exec_micros; }

static void schedule(int policy) {
  struct sched_param none = {0};
  syscall(SYS_sched_setscheduler, 0, policy, &none);
}

/*
 * Runs before main. The image's own start-up reads /proc/self/maps, so that /proc must be there. SIGPIPE must not end the
 * init when a process closes its standard input. All threads of the init wait for their turn when they are woken: else each write
 * of a process, and each of the host's replies, takes the CPU away from what runs, and a stream consists of switches of threads.
 */
__attribute__((constructor)) static void before_main(void) {
  exec_micros = gs_uptime_micros();
  signal(SIGPIPE, SIG_IGN);
  if (getpid() == 1) {
    schedule(SCHED_BATCH);
    /* A child that shares this memory until it executes its program must not lend it to a tracer. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    mkdir("/proc", 0555);
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
  }
}

/* ---- the link ---- */

static inline uint64_t rotate(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static inline uint64_t load64(const uint8_t *p) {
  uint64_t x;
  memcpy(&x, p, 8);
  return x;
}

/* XXH64 as org.barchan.link.XxHash64 has it, in a third of the time where the CPU is emulated. */
int64_t gs_xxh64(const uint8_t *p, int size, int64_t seed) {
  const uint64_t p1 = 0x9E3779B185EBCA87, p2 = 0xC2B2AE3D27D4EB4F, p3 = 0x165667B19E3779F9, p4 = 0x85EBCA77C2B2AE63,
                 p5 = 0x27D4EB2F165667C5;
  const uint8_t *end = p + size;
  uint64_t hash;
  if (size >= 32) {
    uint64_t a = seed + p1 + p2, b = seed + p2, c = seed, d = seed - p1;
    for (const uint8_t *last = end - 32; p <= last; p += 32) {
      a = rotate(a + load64(p) * p2, 31) * p1;
      b = rotate(b + load64(p + 8) * p2, 31) * p1;
      c = rotate(c + load64(p + 16) * p2, 31) * p1;
      d = rotate(d + load64(p + 24) * p2, 31) * p1;
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    uint64_t lanes[] = {a, b, c, d};
    for (int i = 0; i < 4; i++) hash = (hash ^ rotate(lanes[i] * p2, 31) * p1) * p1 + p4;
  } else {
    hash = seed + p5;
  }
  hash += size;
  for (; end - p >= 8; p += 8) hash = rotate(hash ^ rotate(load64(p) * p2, 31) * p1, 27) * p1 + p4;
  if (end - p >= 4) {
    uint32_t word;
    memcpy(&word, p, 4);
    hash = rotate(hash ^ word * p1, 23) * p2 + p3;
    p += 4;
  }
  for (; p < end; p++) hash = rotate(hash ^ *p * p5, 11) * p1;
  hash = (hash ^ hash >> 33) * p2;
  hash = (hash ^ hash >> 29) * p3;
  return hash ^ hash >> 32;
}

/* ---- files and devices ---- */

int gs_mkdir(const char *path, int mode) { return result(mkdir(path, mode)); }

int gs_mount(const char *source, const char *target, const char *type, int64_t flags, const char *data) {
  return result(mount(source, target, type, flags, data));
}

/* Links can lead to no place but below the root, as in a process whose root it is. */
static int open_below(int root, const char *path) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return result(syscall(SYS_openat2, root, path, &how, sizeof how));
}

/* Makes a directory or an empty file whose parent is there; leaves what is there already. */
static int make_last(int root, const char *path, int directory) {
  const char *name = strrchr(path, '/') + 1;
  char parent[PATH_MAX] = "/";
  if (name > path + 1) *(char *)mempcpy(parent, path, name - path) = 0;
  int in = open_below(root, parent);
  if (in < 0) return in;
  int made = directory ? mkdirat(in, name, 0755) : openat(in, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  int r = made < 0 && errno != EEXIST ? -errno : 0;
  if (made > 0) close(made);
  close(in);
  return r;
}

/* Makes the directories that lead to a path, and at its end another one, or an empty file. No two slashes follow each other. */
static int make_below(int root, const char *path, int directory) {
  char prefix[PATH_MAX];
  if (path[0] != '/' || strlen(path) >= sizeof prefix) return path[0] != '/' ? -EINVAL : -ENAMETOOLONG;
  strcpy(prefix, path);
  int r = 0;
  for (char *slash = strchr(prefix + 1, '/'); r == 0 && slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    r = make_last(root, prefix, 1);
    *slash = '/';
  }
  return r < 0 ? r : make_last(root, prefix, directory);
}

enum { MAKE_NOTHING = 0, MAKE_DIRECTORY = 1, MAKE_FILE = 2 };

/*
 * Opens a path below a root (O_PATH), to be mounted on or from by way of /proc/self/fd. What is not there is made, if so asked.
 */
int gs_open_below(const char *root, const char *path, int make) {
  int base = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (base < 0) return -errno;
  int fd = open_below(base, path);
  if (fd == -ENOENT && make != MAKE_NOTHING) {
    int made = make_below(base, path, make == MAKE_DIRECTORY);
    fd = made < 0 ? made : open_below(base, path);
  }
  close(base);
  return fd;
}

/* Makes a directory with the owner and permissions of another. */
int gs_mkdir_like(const char *path, const char *model) {
  struct stat s;
  if (stat(model, &s) < 0 || mkdir(path, 0700) < 0 || chown(path, s.st_uid, s.st_gid) < 0) return -errno;
  return result(chmod(path, s.st_mode & 07777));
}

/* 1: a directory; 0: another file. */
int gs_fd_is_directory(int fd) {
  struct stat s;
  if (fstat(fd, &s) < 0) return -errno;
  return S_ISDIR(s.st_mode);
}

int gs_is_directory(const char *path) {
  struct stat s;
  if (stat(path, &s) < 0) return -errno;
  return S_ISDIR(s.st_mode) ? 0 : -ENOTDIR;
}

int gs_open(const char *path, int flags) { return result(open(path, flags | O_CLOEXEC, 0444)); }

int gs_close(int fd) { return result(close(fd)); }

int gs_read(int fd, void *buffer, int size) {
  ssize_t n;
  do n = read(fd, buffer, size);
  while (n < 0 && errno == EINTR);
  return result(n);
}

int gs_write(int fd, const void *buffer, int size) {
  ssize_t n;
  do n = write(fd, buffer, size);
  while (n < 0 && errno == EINTR);
  return result(n);
}

/* Returns when what was written to a file, or to all of its file system, is on the device. */
int gs_sync(const char *path, int file_system) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int r = result(file_system ? syncfs(fd) : fsync(fd));
  close(fd);
  return r;
}

/* Opens something in a directory, without following a link. */
int gs_open_at(int directory, const char *name, int flags) {
  return result(openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC));
}

/* Opens what a descriptor of O_PATH is about. */
int gs_reopen(int fd, int flags) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return result(open(path, flags | O_CLOEXEC, 0444));
}

/* Says what a name in a directory is about, or, if it is empty, the directory itself: mode, owner, group, size, time in seconds and nanoseconds, device. */
int gs_stat_at(int directory, const char *name, int64_t *facts) {
  struct stat s;
  if (fstatat(directory, name, &s, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0) return -errno;
  int64_t all[] = {s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_rdev, s.st_nlink, s.st_dev, s.st_ino};
  memcpy(facts, all, sizeof all);
  return 0;
}

int gs_readlink_at(int directory, const char *name, char *target, int size) {
  return result(readlinkat(directory, name, target, size));
}

/* As getdents64(2). */
int gs_list(int directory, void *entries, int size) { return result(syscall(SYS_getdents64, directory, entries, size)); }

/* 1: a directory of an overlay's upper layer that hides all of the lower one. */
int gs_is_opaque(int directory) {
  char value = 0;
  return fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/* A pipe that holds size bytes if the system lets it; else as many as it is used to. */
int gs_pipe(int *fds, int size) {
  if (pipe2(fds, O_CLOEXEC) < 0) return -errno;
  if (size > 0) fcntl(fds[0], F_SETPIPE_SZ, size);
  return 0;
}

/* ---- terminals ---- */

int gs_resize_terminal(int fd, int rows, int columns) {
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  return result(ioctl(fd, TIOCSWINSZ, &size));
}

/* What the init opens of a terminal: its own side, and the process's, which no path leads to that a process could have changed. */
static int open_terminal(int root, int rows, int columns, int *fds) {
  struct open_how how = {.flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
  fds[0] = syscall(SYS_openat2, root, "dev/pts/ptmx", &how, sizeof how);
  if (fds[0] < 0) return -errno;
  int locked = 0;
  if (ioctl(fds[0], TIOCSPTLCK, &locked) < 0) return -errno;
  fds[1] = ioctl(fds[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fds[1] < 0) return -errno;
  struct termios modes;
  if (tcgetattr(fds[1], &modes) < 0) return -errno;
  modes.c_iflag |= IUTF8; /* erasing takes whole characters */
  if (tcsetattr(fds[1], TCSANOW, &modes) < 0) return -errno;
  return gs_resize_terminal(fds[0], rows, columns);
}

/* Makes a terminal of a sandbox's: fds[0] is the init's side, non-blocking, fds[1] the process's. */
int gs_terminal(const char *root, int rows, int columns, int *fds) {
  int base = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (base < 0) return -errno;
  fds[0] = fds[1] = -1;
  int r = open_terminal(base, rows, columns, fds);
  for (int i = 0; r < 0 && i < 2; i++)
    if (fds[i] >= 0) close(fds[i]);
  close(base);
  return r;
}

/* The character that means the end of input to who reads lines from a terminal; 0: there is none, as characters are read, not lines. */
int gs_end_of_file_character(int fd) {
  struct termios modes;
  if (tcgetattr(fd, &modes) < 0) return -errno;
  return modes.c_lflag & ICANON ? modes.c_cc[VEOF] : 0;
}

int gs_duplicate(int fd) { return result(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

/* ---- waiting ---- */

int gs_set_nonblocking(int fd) { return result(fcntl(fd, F_SETFL, O_NONBLOCK)); }

int gs_eventfd(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

/* Waits for events on one or two descriptors (second < 0: one). Returns the events of the first | the second's << 16; 0: time is up. */
int gs_poll(int first, int first_events, int second, int second_events, int millis) {
  struct pollfd p[2] = {{first, first_events, 0}, {second, second_events, 0}};
  int n;
  do n = poll(p, second < 0 ? 1 : 2, millis);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : p[0].revents | p[1].revents << 16;
}

/* ---- kernel ---- */

int gs_load_module(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int r = result(syscall(SYS_finit_module, fd, "", 0));
  close(fd);
  return r == -EEXIST ? 0 : r;
}

int gs_set_hostname(const char *name) { return result(sethostname(name, strlen(name))); }

int gs_set_clock(int64_t seconds, int64_t nanos) {
  struct timespec t = {seconds, nanos};
  return result(clock_settime(CLOCK_REALTIME, &t));
}

/* Credits bytes to the kernel's random number generator and has it use them at once. */
int gs_add_entropy(const void *bytes, int size) {
  int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct rand_pool_info *pool = malloc(sizeof *pool + size);
  if (!pool) { close(fd); return -ENOMEM; }
  pool->entropy_count = size * 8;
  pool->buf_size = size;
  memcpy(pool->buf, bytes, size);
  int r = result(ioctl(fd, RNDADDENTROPY, pool));
  if (r >= 0) r = result(ioctl(fd, RNDRESEEDCRNG));
  free(pool);
  close(fd);
  return r;
}

int gs_loopback_up(void) {
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (s < 0) return -errno;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "lo");
  int r = result(ioctl(s, SIOCGIFFLAGS, &request));
  if (r >= 0) {
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    r = result(ioctl(s, SIOCSIFFLAGS, &request));
  }
  close(s);
  return r;
}

/* Who does not accept in time counts as nobody; connect(2) then says EAGAIN, or EINPROGRESS. */
static int connect_within(int s, const struct sockaddr *address, socklen_t size) {
  struct timeval most = {10, 0};
  if (setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) < 0 || connect(s, address, size) < 0) {
    int e = errno == EAGAIN || errno == EINPROGRESS ? ETIMEDOUT : errno;
    close(s);
    return -e;
  }
  int r = gs_set_nonblocking(s);
  if (r >= 0) return s;
  close(s);
  return r;
}

/* Returns a non-blocking socket that is connected to a TCP port of the loopback, of IPv6 or IPv4. */
int gs_connect_tcp(int port, int six) {
  int s = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0) return -errno;
  int on = 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (six) {
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return connect_within(s, (struct sockaddr *)&to, sizeof to);
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return connect_within(s, (struct sockaddr *)&to, sizeof to);
}

/* A socket that listens at a port of 127.0.0.1; 0: at any that is free. */
int gs_listen_tcp(int port) {
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (s < 0) return -errno;
  int on = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind(s, (struct sockaddr *)&at, sizeof at) == 0 && listen(s, 64) == 0) return s;
  int r = -errno;
  close(s);
  return r;
}

int gs_local_port(int s) {
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  return getsockname(s, (struct sockaddr *)&at, &size) < 0 ? -errno : ntohs(at.sin_port);
}

int gs_accept_tcp(int server) {
  int s = accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (s < 0) return -errno;
  int on = 1;
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return s;
}

/* A socket for datagrams to and from a port of 127.0.0.1, and nowhere else. */
int gs_connect_udp(int port) {
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (s < 0) return -errno;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (connect(s, (struct sockaddr *)&to, sizeof to) == 0) return s;
  int r = -errno;
  close(s);
  return r;
}

/* The same of a unix socket below a root. Its path may be too long for an address, and its links are to be followed there. */
int gs_connect_unix(const char *root, const char *path) {
  int file = gs_open_below(root, path, MAKE_NOTHING);
  if (file < 0) return file;
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d", file);
  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int r = s < 0 ? -errno : connect_within(s, (struct sockaddr *)&to, sizeof to);
  close(file);
  return r;
}

/* No more is written. */
int gs_shutdown_write(int fd) { return result(shutdown(fd, SHUT_WR)); }

/* Has closing a socket tell the other end that the connection was broken off, where its kind can. */
int gs_reset_on_close(int fd) {
  struct linger now = {1, 0};
  return result(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now));
}

int gs_power_off(void) {
  sync();
  return result(reboot(RB_POWER_OFF));
}

/* A socket on which the kernel tells of devices that come and change. */
int gs_uevents(void) {
  int s = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
  if (s < 0) return -errno;
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  int r = result(bind(s, (struct sockaddr *)&address, sizeof address));
  if (r < 0) { close(s); return r; }
  return s;
}

/*
 * Blocks until a host is connected to a virtio-serial port. While none is, poll(2) reports a hang-up at once and for ever;
 * only the edge of a change can be waited for.
 */
int gs_port_wait_connected(int fd) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return -errno;
  struct epoll_event want = {EPOLLIN | EPOLLOUT | EPOLLET, {0}}, got;
  int r = result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &want));
  while (r >= 0) {
    int events = gs_poll(fd, POLLOUT, -1, 0, 0);
    if (events < 0) { r = events; break; }
    if (!(events & POLLHUP)) { r = 0; break; }
    r = result(epoll_wait(epoll, &got, 1, -1));
    if (r == -EINTR) r = 0;
  }
  close(epoll);
  return r;
}

/* ---- processes ---- */

/* Waits for any child. *exited: 0 to 255, or -1; *signalled: 1 to 64, or 0. Returns its process id; -ECHILD: there is none. */
int gs_wait(int *exited, int *signalled) {
  int status;
  pid_t pid;
  /* A child that has asked to be traced is reported when it stops, too. */
  do pid = waitpid(-1, &status, __WALL);
  while ((pid < 0 && errno == EINTR) || (pid > 0 && !WIFEXITED(status) && !WIFSIGNALED(status)));
  if (pid < 0) return -errno;
  *exited = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  *signalled = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return pid;
}

int gs_kill(int pid, int signal) { return result(kill(pid, signal)); }

int gs_pidfd(int pid) { return result(syscall(SYS_pidfd_open, pid, 0)); }

#define STACK_SIZE 65536

enum { STEP_CREATE = 1, STEP_CHDIR = 2, STEP_CREDENTIALS = 3, STEP_EXEC = 4, STEP_LIMITS = 5 };

/* Of STEP_LIMITS, in the bits above the step: the nice value, the OOM score, or the number of a resource limit. */
enum { PART_NICE = 1 << 8, PART_OOM = 2 << 8, PART_RESOURCE = 3 << 8 };

struct spawn {
  char **paths, **argv, **environment;
  const char *directory;
  int32_t directory_required, sandbox, in, out, err, has_identity, uid, gid, groups, privileged;
  gid_t *group_ids;
  int32_t has_nice, nice, has_oom_score, oom_score, limits;
  /* Five numbers each: the resource, and low and high half of the soft limit and the hard one. */
  const int32_t *limit_values;
  volatile int32_t failed_step, failed_errno;
};

static void fail(struct spawn *s, int step) {
  s->failed_step = step;
  s->failed_errno = errno;
  _exit(127);
}

/*
 * What root may keep without power over the init: no modules, no raw devices, no new device nodes, no other clock; and neither mounts
 * nor traces, since a fresh /proc or /sys reaches the kernel's switches, and a traced process lends its capabilities.
 */
static uint64_t privileged_capabilities(void) {
  uint64_t all = (1ULL << CAP_LAST_CAP << 1) - 1;
  return all & ~(1ULL << CAP_SYS_MODULE | 1ULL << CAP_SYS_RAWIO | 1ULL << CAP_SYS_BOOT | 1ULL << CAP_MKNOD | 1ULL << CAP_SYS_TIME |
                 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_SYS_PTRACE | 1ULL << CAP_PERFMON | 1ULL << CAP_BPF | 1ULL << CAP_SYSLOG);
}

static void take_identity(struct spawn *s) {
  /* /dev/stdout and the like open these anew, which takes the right to. A terminal's group is tty, who may write messages to it. */
  int group = isatty(0) ? -1 : s->gid;
  for (int fd = 0; fd < 3; fd++)
    if (fchown(fd, s->uid, group) < 0) fail(s, STEP_CREDENTIALS);
  uint64_t keep = s->privileged ? privileged_capabilities() : 0;
  for (int c = 0; c < 64; c++)
    if (!(keep >> c & 1) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0 && errno != EINVAL) fail(s, STEP_CREDENTIALS);
  if (syscall(SYS_setgroups, (size_t)s->groups, s->group_ids) < 0) fail(s, STEP_CREDENTIALS);
  if (syscall(SYS_setresgid, s->gid, s->gid, s->gid) < 0) fail(s, STEP_CREDENTIALS);
  if (syscall(SYS_setresuid, s->uid, s->uid, s->uid) < 0) fail(s, STEP_CREDENTIALS);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  data[0].effective = data[0].permitted = (uint32_t)keep;
  data[1].effective = data[1].permitted = (uint32_t)(keep >> 32);
  if (s->uid == 0 || keep == 0)
    if (syscall(SYS_capset, &header, data) < 0) fail(s, STEP_CREDENTIALS);
  if (!s->privileged && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail(s, STEP_CREDENTIALS);
}

/* Writes a number to a file of this process's in the init's own /proc, which a sandbox's may not be. */
static int write_own(int fd, int value) {
  char text[16];
  int size = snprintf(text, sizeof text, "%d", value);
  return write(fd, text, size) == size ? 0 : -1;
}

/* By a system call of its own, since glibc's wrapper is about all of the parent's threads. */
static void set_limits(struct spawn *s) {
  for (int i = 0; i < s->limits; i++) {
    const int32_t *v = s->limit_values + 5 * i;
    uint64_t limit[] = {(uint32_t)v[1] | (uint64_t)(uint32_t)v[2] << 32, (uint32_t)v[3] | (uint64_t)(uint32_t)v[4] << 32};
    if (syscall(SYS_prlimit64, 0, v[0], limit, 0) < 0) fail(s, STEP_LIMITS | (PART_RESOURCE + (i << 8)));
  }
}

/* The process itself: in the namespaces of the sandbox, child of the init. */
static int become(void *argument) {
  struct spawn *s = argument;
  if (s->has_oom_score) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0 || write_own(file, s->oom_score) < 0) fail(s, STEP_LIMITS | PART_OOM);
    close(file);
  }
  int autogroup = s->has_nice ? open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC) : -1;
  if (s->sandbox >= 0 && syscall(SYS_setns, s->sandbox, CLONE_NEWNS) < 0) fail(s, STEP_CREATE);
  struct sigaction standard;
  memset(&standard, 0, sizeof standard);
  standard.sa_handler = SIG_DFL;
  for (int i = 1; i <= 64; i++) syscall(SYS_rt_sigaction, i, &standard, 0, 8);
  schedule(SCHED_OTHER);
  setsid();
  if (s->has_nice) {
    if (syscall(SYS_setpriority, PRIO_PROCESS, 0, s->nice) < 0) fail(s, STEP_LIMITS | PART_NICE);
    /* Where the kernel has groups of sessions, a nice value counts within its session, and that of the session beside others. */
    if (autogroup >= 0 && write_own(autogroup, s->nice) < 0 && errno != EINVAL) fail(s, STEP_LIMITS | PART_NICE);
  }
  int in = fcntl(s->in, F_DUPFD, 3), out = fcntl(s->out, F_DUPFD, 3), err = fcntl(s->err, F_DUPFD, 3);
  if (in < 0 || out < 0 || err < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) fail(s, STEP_CREATE);
  if (syscall(SYS_close_range, 3u, ~0u, 0) < 0) fail(s, STEP_CREATE);
  if (isatty(0) && ioctl(0, TIOCSCTTY, 0) < 0) fail(s, STEP_CREATE);
  set_limits(s);
  if (s->has_identity) take_identity(s);
  if (s->directory[0] && chdir(s->directory) < 0 && (s->directory_required || chdir("/") < 0)) fail(s, STEP_CHDIR);
  uint64_t no_signal = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signal, 0, 8);
  int denied = 0, error = ENOENT, tried = 0;
  for (char **path = s->paths; *path; path++, tried++) {
    execve(*path, s->argv, s->environment);
    if (errno == ENOEXEC) { /* a script that names no interpreter: the shell's, as execvp(3) has it; argv[-1] is free */
      char *first = s->argv[0];
      s->argv[-1] = "/bin/sh";
      s->argv[0] = *path;
      execve("/bin/sh", s->argv - 1, s->environment);
      s->argv[0] = first;
      errno = ENOEXEC;
    }
    error = errno;
    /* A directory of PATH that can't be entered is no file that can't be executed. */
    if (error == EACCES) denied |= access(*path, F_OK) == 0;
    else if (error != ENOENT && error != ENOTDIR && error != ENAMETOOLONG && error != ELOOP) fail(s, STEP_EXEC);
  }
  errno = denied ? EACCES : tried == 1 ? error : ENOENT;
  fail(s, STEP_EXEC);
  return 0;
}

/* What the calling thread starts from now on is in the sandbox's process namespace; the thread can start no threads any more. */
int gs_spawn_into(int sandbox) { return result(syscall(SYS_setns, sandbox, CLONE_NEWPID)); }

/*
 * Starts a process. `strings`: NUL-ended strings one behind the other: candidate paths, arguments, environment, directory.
 * `numbers`: counts of the three lists, directory required, sandbox's pidfd or -1, in, out, err, has identity, uid, gid,
 * privileged, number of groups, has nice value, that, has OOM score, that, number of limits, the groups, the limits (see struct spawn). Returns the process id; or -errno, with the step in *failed_step. For one thread only.
 */
int gs_spawn(const char *strings, const int32_t *numbers, int *failed_step) {
  int paths = numbers[0], arguments = numbers[1], variables = numbers[2];
  struct spawn s;
  memset(&s, 0, sizeof s);
  *failed_step = STEP_CREATE;
  char **table = calloc(paths + arguments + variables + 4, sizeof *table);
  if (!table) return -ENOMEM;
  char **next = table;
  s.paths = next;
  for (int i = 0; i < paths; i++, strings += strlen(strings) + 1) *next++ = (char *)strings;
  next++;
  next++; /* the place before argv */
  s.argv = next;
  for (int i = 0; i < arguments; i++, strings += strlen(strings) + 1) *next++ = (char *)strings;
  next++;
  s.environment = next;
  for (int i = 0; i < variables; i++, strings += strlen(strings) + 1) *next++ = (char *)strings;
  s.directory = strings;
  s.directory_required = numbers[3];
  s.sandbox = numbers[4];
  s.in = numbers[5];
  s.out = numbers[6];
  s.err = numbers[7];
  s.has_identity = numbers[8];
  s.uid = numbers[9];
  s.gid = numbers[10];
  s.privileged = numbers[11];
  s.groups = numbers[12];
  s.has_nice = numbers[13];
  s.nice = numbers[14];
  s.has_oom_score = numbers[15];
  s.oom_score = numbers[16];
  s.limits = numbers[17];
  s.group_ids = (gid_t *)(numbers + 18);
  s.limit_values = numbers + 18 + s.groups;
  static char stack[STACK_SIZE] __attribute__((aligned(16)));
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pid = clone(become, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, &s);
  int e = errno;
  pthread_sigmask(SIG_SETMASK, &before, 0);
  free(table);
  if (pid < 0) return -e;
  *failed_step = s.failed_step;
  return s.failed_errno ? -s.failed_errno : pid;
}

/* ---- the sandbox ---- */

struct sandbox {
  const char *program;
  int orders_fd, status_fd;
};

static int become_sandbox(void *argument) {
  struct sandbox *s = argument;
  char *const argv[] = {(char *)s->program, 0};
  char *environment[] = {0};
  schedule(SCHED_OTHER);
  int status = fcntl(s->status_fd, F_DUPFD, 10), orders = fcntl(s->orders_fd, F_DUPFD, 10);
  if (dup2(status, 3) < 0 || dup2(orders, 4) < 0) _exit(126);
  syscall(SYS_close_range, 5u, ~0u, 0);
  uint64_t no_signal = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signal, 0, 8);
  execve(s->program, argv, environment);
  _exit(errno);
}

/*
 * Starts the init of the sandbox's own process namespace, which gets its orders on orders_fd and reports on status_fd. Returns its
 * process id.
 */
int gs_spawn_sandbox(const char *program, int orders_fd, int status_fd) {
  char *stack = mmap(0, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return -errno;
  struct sandbox s = {program, orders_fd, status_fd};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pid = clone(become_sandbox, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_NEWPID | SIGCHLD, &s);
  int e = errno;
  pthread_sigmask(SIG_SETMASK, &before, 0);
  munmap(stack, STACK_SIZE);
  return pid < 0 ? -e : pid;
}
