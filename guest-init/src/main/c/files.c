/*
 * What the init does with files in the sandbox. A place there is a descriptor of a directory (O_PATH) and a name in it without a
 * slash, or a path that is resolved as for a process whose root is the sandbox's; nothing else is ever followed. All return a negated
 * errno on failure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static long result(long r) { return r < 0 ? -errno : r; }

/* Says where a path leads (O_PATH), without opening it. */
int gf_find(int root, const char *path, int follow) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return result(syscall(SYS_openat2, root, path, &how, sizeof how));
}

/* As gf_find, but nothing on the way may lead out of the directory, not even to come back. */
int gf_find_below(int directory, const char *path, int follow) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return result(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

/* 1: the kernel makes up what is in the file system of an open directory. */
int gf_is_made_up(int directory) {
  static const uint32_t kinds[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC,  SECURITYFS_MAGIC,
                                   DEBUGFS_MAGIC,      TRACEFS_MAGIC, BPF_FS_MAGIC,       PSTOREFS_MAGIC,      BINFMTFS_MAGIC,      SELINUX_MAGIC,
                                   SMACK_MAGIC,        NSFS_MAGIC,    EFIVARFS_MAGIC,     0x62656570 /* configfs */, 0x65735543 /* fuse connections */};
  struct statfs s;
  if (fstatfs(directory, &s) < 0) return -errno;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if ((uint32_t)s.f_type == kinds[i]) return 1;
  }
  return 0;
}

/* A new file, which only root may open until it has its mode. */
int gf_create(int directory, const char *name) {
  return result(openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
}

int gf_make_directory(int directory, const char *name) { return result(mkdirat(directory, name, 0700)); }

int gf_make_link(const char *target, int directory, const char *name) { return result(symlinkat(target, directory, name)); }

int gf_make_hard_link(int from, const char *name, int directory, const char *new_name) {
  return result(linkat(from, name, directory, new_name, 0));
}

int gf_remove(int directory, const char *name, int is_directory) {
  return result(unlinkat(directory, name, is_directory ? AT_REMOVEDIR : 0));
}

int gf_rename(int from, const char *name, int to, const char *new_name, int replace) {
  int r = result(syscall(SYS_renameat2, from, name, to, new_name, replace ? 0 : 1 /* RENAME_NOREPLACE */));
  if (r != -EINVAL || replace) return r;
  /* A file system that can't do it in one go, as 9p. */
  struct stat s;
  if (fstatat(to, new_name, &s, AT_SYMLINK_NOFOLLOW) == 0) return -EEXIST;
  return result(renameat(from, name, to, new_name));
}

/*
 * Gives what a descriptor is about an owner, a mode and a time, in this order, since the mode's set-user-ID bit goes with another owner.
 * -1, or nanoseconds of -1, leave what is there.
 */
int gf_set(int fd, int64_t uid, int64_t gid, int mode, int64_t seconds, int nanos) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if ((uid >= 0 || gid >= 0) && fchownat(fd, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) < 0) return -errno;
  if (mode >= 0 && chmod(path, mode) < 0) return -errno;
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds, .tv_nsec = nanos}};
  return nanos < 0 ? 0 : result(utimensat(fd, "", times, AT_EMPTY_PATH));
}

enum { TO_START = 0, TO_DATA = 1, TO_HOLE = 2, AHEAD = 3 };

int64_t gf_seek(int fd, int64_t offset, int how) {
  static const int whence[] = {SEEK_SET, SEEK_DATA, SEEK_HOLE, SEEK_CUR};
  return result(lseek(fd, offset, whence[how]));
}

int gf_truncate(int fd, int64_t size) { return result(ftruncate(fd, size)); }

int gf_sync(int fd) { return result(fsync(fd)); }
