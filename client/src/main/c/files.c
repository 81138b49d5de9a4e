/*
 * How barchan cp reads and writes files of the host: each by its name in a directory that is open, and no link is followed, whatever a
 * sandbox has called its files, and whoever moves the directories meanwhile. All return a negated errno on failure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long result(long r) { return r < 0 ? -errno : r; }

/* A directory of the caller's, whose links are followed. */
int bf_open(const char *path) { return result(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

int bf_open_directory(int directory, const char *name) {
  return result(openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* Waits for nobody: what should be a regular file may be a FIFO by now. */
int bf_open_file(int directory, const char *name, int follow) {
  return result(openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)));
}

/* An empty name: what the descriptor itself is about. */
int bf_stat(int directory, const char *name, int follow, int64_t *facts) {
  struct stat s;
  if (fstatat(directory, name, &s, AT_EMPTY_PATH | (follow ? 0 : AT_SYMLINK_NOFOLLOW)) < 0) return -errno;
  int64_t all[] = {s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec};
  memcpy(facts, all, sizeof all);
  return 0;
}

int bf_read_link(int directory, const char *name, void *target, int size) { return result(readlinkat(directory, name, target, size)); }

/* As getdents64(2). */
int bf_list(int directory, void *entries, int size) { return result(syscall(SYS_getdents64, directory, entries, size)); }

int bf_create(int directory, const char *name) {
  return result(openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
}

int bf_make_directory(int directory, const char *name) { return result(mkdirat(directory, name, 0700)); }

int bf_make_link(const char *target, int directory, const char *name) { return result(symlinkat(target, directory, name)); }

int bf_remove(int directory, const char *name) { return result(unlinkat(directory, name, 0)); }

int bf_rename(int directory, const char *name, const char *new_name) { return result(renameat(directory, name, directory, new_name)); }

int bf_owner(int directory, const char *name, int64_t uid, int64_t gid) {
  return result(fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
}

int bf_mode(int fd, int mode) { return result(fchmod(fd, mode)); }

int bf_time(int directory, const char *name, int64_t seconds, int nanos) {
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds, .tv_nsec = nanos}};
  return result(*name ? utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) : futimens(directory, times));
}

int bf_read(int fd, void *buffer, int size) {
  ssize_t n;
  do n = read(fd, buffer, size);
  while (n < 0 && errno == EINTR);
  return result(n);
}

int bf_write(int fd, const void *buffer, int size) {
  ssize_t n;
  do n = write(fd, buffer, size);
  while (n < 0 && errno == EINTR);
  return result(n);
}

/* To data (0), to a hole (1), to a place (2), or as far ahead (3). */
int64_t bf_seek(int fd, int64_t offset, int how) {
  static const int whence[] = {SEEK_DATA, SEEK_HOLE, SEEK_SET, SEEK_CUR};
  return result(lseek(fd, offset, whence[how]));
}

int bf_truncate(int fd, int64_t size) { return result(ftruncate(fd, size)); }

int bf_close(int fd) { return result(close(fd)); }
