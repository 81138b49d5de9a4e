/*
 * Process 1 of the sandbox's own process namespace: makes what the sandbox sees of /proc, /sys and /dev, waits for its orders on
 * descriptor 4, goes into the sandbox's root, says so on descriptor 3, and from then on reaps what is left to it. It is there so that
 * the application can neither see nor touch the real init, and so that the application itself is an ordinary process and not number 1.
 *
 * Its orders are the root, and a disk each: see disk(). Each has a NUL at its end; they are complete at the end of file.
 *
 * Statically linked: once it has changed its root, there are no libraries of its own left.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_FD 3
#define ORDERS_FD 4

/* Where the real init does not look, and the sandbox can't. */
#define STAGE "/stage"

static void report(int error, const char *step) {
  char line[PATH_MAX + 64];
  int n = snprintf(line, sizeof line, "%d %s\n", error, step);
  if (write(STATUS_FD, line, n) != n) _exit(125);
}

static void check(long result, const char *step) {
  if (result >= 0) return;
  report(errno, step);
  _exit(1);
}

static void mount_on(const char *type, const char *target, unsigned long flags, const char *options) {
  char step[PATH_MAX];
  snprintf(step, sizeof step, "mount %s on /%s", type, target);
  check(mount(type, target, type, flags, options), step);
}

/* Where a kernel has such a file, nothing can be written to it any more. */
static void make_read_only(const char *path) {
  if (mount(path, path, 0, MS_BIND | MS_REC, 0) < 0) {
    if (errno == ENOENT) return;
    check(-1, path);
  }
  check(mount(0, path, 0, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, 0), path);
}

/* Where a kernel has such a directory, it looks empty. */
static void hide_directory(const char *path) {
  struct stat s;
  if (stat(path, &s) == 0) mount_on("tmpfs", path, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=555");
}

static void device(const char *path, int major, int minor) {
  check(mknod(path, S_IFCHR | 0666, makedev(major, minor)), path);
}

/*
 * Makes a disk or partition, of which an argument says name, major and minor number, owner, group, permissions and the name in
 * /dev/disk/by-tag. Nothing in a name has a slash.
 */
static void disk(const char *argument) {
  char name[32], tag[96], path[160], target[64];
  unsigned major, minor, uid, gid, mode;
  if (sscanf(argument, "%31s %u %u %u %u %o %95s", name, &major, &minor, &uid, &gid, &mode, tag) != 7) {
    errno = EINVAL;
    check(-1, argument);
  }
  snprintf(path, sizeof path, "dev/%s", name);
  check(mknod(path, S_IFBLK | mode, makedev(major, minor)), path);
  check(chown(path, uid, gid), path);
  snprintf(path, sizeof path, "dev/disk/by-tag/%s", tag);
  snprintf(target, sizeof target, "../../%s", name);
  check(symlink(target, path), path);
}

static void make_disks(char *argument, const char *end) {
  if (argument == end) return;
  check(mkdir("dev/disk", 0755), "/dev/disk");
  check(mkdir("dev/disk/by-tag", 0755), "/dev/disk/by-tag");
  for (; argument < end; argument += strlen(argument) + 1) disk(argument);
}

static void make_devices(void) {
  mount_on("tmpfs", "dev", MS_NOSUID | MS_NOEXEC, "size=64k,mode=755");
  device("dev/null", 1, 3);
  device("dev/zero", 1, 5);
  device("dev/full", 1, 7);
  device("dev/random", 1, 8);
  device("dev/urandom", 1, 9);
  device("dev/tty", 5, 0);
  check(symlink("/proc/self/fd", "dev/fd"), "/dev/fd");
  check(symlink("/proc/self/fd/0", "dev/stdin"), "/dev/stdin");
  check(symlink("/proc/self/fd/1", "dev/stdout"), "/dev/stdout");
  check(symlink("/proc/self/fd/2", "dev/stderr"), "/dev/stderr");
  check(symlink("pts/ptmx", "dev/ptmx"), "/dev/ptmx");
  check(mkdir("dev/pts", 0755), "/dev/pts");
  mount_on("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5");
  check(mkdir("dev/shm", 01777), "/dev/shm");
  mount_on("tmpfs", "dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
}

/* It only reaps from here on; who gets hold of it must gain nothing. */
static void drop_capabilities(void) {
  for (int c = 0; c < 64; c++)
    if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0 && errno != EINVAL) check(-1, "drop capabilities");
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2];
  memset(none, 0, sizeof none);
  check(syscall(SYS_capset, &header, none), "drop capabilities");
  check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "hide memory");
}

static void stage(void) {
  check(mkdir(STAGE, 0700), STAGE);
  check(chdir(STAGE), STAGE);
  check(mkdir("proc", 0555), "/proc");
  check(mkdir("sys", 0555), "/sys");
  check(mkdir("dev", 0755), "/dev");
  mount_on("proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
  make_read_only("proc/sys");
  make_read_only("proc/sysrq-trigger");
  make_read_only("proc/irq");
  make_read_only("proc/bus");
  mount_on("sysfs", "sys", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
  hide_directory("sys/class/virtio-ports");
  hide_directory("sys/firmware");
  make_devices();
}

/* Returns the end of the orders. */
static char *receive(char *orders, size_t size) {
  char *end = orders;
  for (;;) {
    ssize_t n = read(ORDERS_FD, end, orders + size - end);
    check(n, "read orders");
    if (n == 0) break;
    end += n;
  }
  /* Without a word: there is no real init any more. With too many, or without the last one's end: that is not what it sends. */
  if (end == orders || end == orders + size || end[-1]) {
    errno = EINVAL;
    check(-1, "read orders");
  }
  close(ORDERS_FD);
  return end;
}

static void move(const char *from, const char *to) {
  check(mount(from, to, 0, MS_MOVE, 0), from);
}

static void go_into(const char *root) {
  check(unshare(CLONE_NEWNS), "make a mount namespace");
  check(mount(0, "/", 0, MS_REC | MS_PRIVATE, 0), "make mounts private");
  check(chdir(root), root);
  move(STAGE "/proc", "proc");
  move(STAGE "/sys", "sys");
  move(STAGE "/dev", "dev");
  /* What the real init has mounted stays in its own namespace. */
  const char *inherited[] = {"/dev", "/sys", "/proc"};
  for (int i = 0; i < 3; i++)
    if (umount2(inherited[i], MNT_DETACH) < 0 && errno != EINVAL) check(-1, inherited[i]);
  /* The initial root file system can't be pivoted away from (pivot_root(2)): the new root is moved over it. */
  check(mount(".", "/", 0, MS_MOVE, 0), "move the root");
  check(chroot("."), "change the root");
  check(chdir("/"), "/");
}

int main(void) {
  static char orders[256 * 1024];
  umask(0);
  prctl(PR_SET_NAME, "sandbox-init");
  stage();
  report(0, "staged");
  char *end = receive(orders, sizeof orders);
  go_into(orders);
  make_disks(orders + strlen(orders) + 1, end);
  for (int fd = 0; fd < 3; fd++) close(fd);
  open("/dev/null", O_RDWR);
  check(dup(0), "/dev/null");
  check(dup(0), "/dev/null");
  umask(022);
  drop_capabilities();
  report(0, "ready");
  close(STATUS_FD);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, 0);
  for (;;) {
    int got;
    while (waitpid(-1, 0, __WALL) > 0 || errno == EINTR) {
    }
    /* No child: wait for the signal of one that is left to us. */
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigwait(&child, &got);
  }
}
