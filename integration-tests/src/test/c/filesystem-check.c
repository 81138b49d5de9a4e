/*
 * What programs expect of a file system, tried in a directory: "posix DIRECTORY" tries calls one by one, "random DIRECTORY SEED COUNT" reads, writes, maps
 * and truncates a file at random and compares it with what it should be. Prints what is wrong, a line each, and "done" at the end.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void wrong(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
}

/* The call has to succeed. */
#define WORKS(what, call)                                              \
  do {                                                                 \
    errno = 0;                                                         \
    if ((long)(call) < 0) wrong("%s: %s", what, strerrorname_np(errno)); \
  } while (0)

/* The call has to fail, in this way. */
#define FAILS(what, error, call)                                                                         \
  do {                                                                                                   \
    errno = 0;                                                                                           \
    long result_ = (long)(call);                                                                         \
    if (result_ >= 0) wrong("%s: succeeds (expected: %s)", what, strerrorname_np(error));                \
    else if (errno != (error)) wrong("%s: %s (expected: %s)", what, strerrorname_np(errno), strerrorname_np(error)); \
  } while (0)

#define HOLDS(what, condition)               \
  do {                                       \
    if (!(condition)) wrong("%s: not so", what); \
  } while (0)

static int make(const char *name, const char *text) {
  int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);
  if (fd < 0) wrong("making %s: %s", name, strerrorname_np(errno));
  else if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) wrong("writing %s: %s", name, strerrorname_np(errno));
  return fd;
}

static int has(const char *name, const char *text) {
  char buffer[256];
  int fd = open(name, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
  if (fd >= 0) close(fd);
  return n == (ssize_t)strlen(text) && memcmp(buffer, text, n) == 0;
}

static struct stat status(const char *name) {
  struct stat s = {0};
  if (lstat(name, &s) < 0) wrong("lstat %s: %s", name, strerrorname_np(errno));
  return s;
}

static void names(void) {
  char name[300];
  memset(name, 'n', sizeof name);
  name[256] = 0;
  FAILS("a name of 256 bytes", ENAMETOOLONG, mkdir(name, 0755));
  name[255] = 0;
  WORKS("a name of 255 bytes", mkdir(name, 0755));
  WORKS("removing it", rmdir(name));
  close(make("\xff\n \"'\\", "odd"));
  HOLDS("a name of any bytes", has("\xff\n \"'\\", "odd"));
  WORKS("removing it", unlink("\xff\n \"'\\"));
}

static void directories(void) {
  WORKS("mkdir", mkdir("d", 0751));
  HOLDS("the mode of a directory", (status("d").st_mode & 07777) == 0751);
  FAILS("mkdir of what is there", EEXIST, mkdir("d", 0755));
  FAILS("mkdir below nothing", ENOENT, mkdir("nothing/d", 0755));
  close(make("f", "f"));
  FAILS("mkdir below a file", ENOTDIR, mkdir("f/d", 0755));
  FAILS("rmdir of a file", ENOTDIR, rmdir("f"));
  FAILS("unlink of a directory", EISDIR, unlink("d"));
  close(make("d/f", "f"));
  FAILS("rmdir of what is not empty", ENOTEMPTY, rmdir("d"));
  FAILS("open of a directory for writing", EISDIR, open("d", O_WRONLY));
  WORKS("unlink", unlink("d/f"));
  WORKS("rmdir", rmdir("d"));
  FAILS("lstat of what is gone", ENOENT, access("d", F_OK));
  WORKS("unlink", unlink("f"));
}

static void files(void) {
  int fd = make("f", "0123456789");
  FAILS("O_EXCL of what is there", EEXIST, open("f", O_CREAT | O_EXCL | O_WRONLY, 0644));
  FAILS("O_DIRECTORY of a file", ENOTDIR, open("f", O_RDONLY | O_DIRECTORY));
  FAILS("open of nothing", ENOENT, open("nothing", O_RDONLY));
  WORKS("ftruncate to less", ftruncate(fd, 5));
  HOLDS("what is left of it", has("f", "01234"));
  WORKS("ftruncate to more", ftruncate(fd, 8));
  HOLDS("zeros behind it", status("f").st_size == 8);
  char buffer[16];
  HOLDS("reading at the end", pread(fd, buffer, sizeof buffer, 8) == 0);
  HOLDS("reading over the end", pread(fd, buffer, sizeof buffer, 4) == 4 && memcmp(buffer, "4\0\0\0", 4) == 0);
  HOLDS("SEEK_END", lseek(fd, 0, SEEK_END) == 8);
  close(fd);
  fd = open("f", O_WRONLY | O_APPEND);
  HOLDS("O_APPEND", write(fd, "x", 1) == 1 && status("f").st_size == 9);
  close(fd);
  close(open("f", O_WRONLY | O_TRUNC));
  HOLDS("O_TRUNC", status("f").st_size == 0);
  fd = open("f", O_RDWR);
  HOLDS("writing far behind", pwrite(fd, "end", 3, 1 << 20) == 3 && status("f").st_size == (1 << 20) + 3);
  HOLDS("the hole", pread(fd, buffer, 4, 12345) == 4 && memcmp(buffer, "\0\0\0\0", 4) == 0);
  WORKS("fsync", fsync(fd));
  WORKS("fdatasync", fdatasync(fd));
  WORKS("unlink of an open file", unlink("f"));
  HOLDS("reading what is unlinked", pread(fd, buffer, 3, 1 << 20) == 3 && memcmp(buffer, "end", 3) == 0);
  HOLDS("writing to what is unlinked", pwrite(fd, "new", 3, 0) == 3);
  struct stat s;
  WORKS("fstat of what is unlinked", fstat(fd, &s));
  WORKS("ftruncate of what is unlinked", ftruncate(fd, 1));
  close(fd);
}

static void renames(void) {
  close(make("a", "a"));
  close(make("b", "b"));
  WORKS("rename over a file", rename("a", "b"));
  HOLDS("what was renamed", has("b", "a") && access("a", F_OK) < 0);
  WORKS("mkdir", mkdir("d", 0755));
  WORKS("mkdir", mkdir("e", 0755));
  FAILS("rename of a file over a directory", EISDIR, rename("b", "d"));
  FAILS("rename of a directory over a file", ENOTDIR, rename("d", "b"));
  FAILS("rename of a directory into itself", EINVAL, rename("d", "d/e"));
  WORKS("rename into a directory", rename("b", "d/b"));
  FAILS("rename over a directory that is not empty", ENOTEMPTY, rename("e", "d"));
  WORKS("rename over a directory that is empty", rename("d", "e"));
  HOLDS("what came along", has("e/b", "a"));
  int fd = open("e/b", O_RDWR);
  WORKS("rename of an open file", rename("e/b", "e/c"));
  HOLDS("writing to it", pwrite(fd, "z", 1, 0) == 1 && has("e/c", "z"));
  close(fd);
  WORKS("unlink", unlink("e/c"));
  WORKS("rmdir", rmdir("e"));
}

static void links(void) {
  close(make("f", "f"));
  WORKS("link", link("f", "g"));
  HOLDS("one file of two names", status("f").st_ino == status("g").st_ino && status("f").st_nlink == 2);
  FAILS("link over what is there", EEXIST, link("f", "g"));
  WORKS("unlink", unlink("f"));
  HOLDS("the other name", has("g", "f") && status("g").st_nlink == 1);
  WORKS("symlink", symlink("g", "l"));
  char target[16];
  HOLDS("readlink", readlink("l", target, sizeof target) == 1 && target[0] == 'g');
  HOLDS("through a link", has("l", "f"));
  FAILS("O_NOFOLLOW of a link", ELOOP, open("l", O_RDONLY | O_NOFOLLOW));
  WORKS("symlink", symlink("m", "m"));
  FAILS("a link to itself", ELOOP, open("m", O_RDONLY));
  WORKS("unlink", unlink("m"));
  WORKS("unlink", unlink("l"));
  WORKS("unlink", unlink("g"));
}

static void attributes(void) {
  umask(027);
  close(open("f", O_CREAT | O_WRONLY, 0777));
  HOLDS("umask", (status("f").st_mode & 07777) == 0750);
  umask(022);
  WORKS("chmod", chmod("f", 0604));
  HOLDS("the mode", (status("f").st_mode & 07777) == 0604);
  struct timespec times[2] = {{1234567890, 123456789}, {987654321, 987654321}};
  WORKS("utimensat", utimensat(AT_FDCWD, "f", times, 0));
  struct stat s = status("f");
  HOLDS("the times", s.st_atim.tv_sec == 1234567890 && s.st_mtim.tv_sec == 987654321 && s.st_mtim.tv_nsec == 987654321);
  WORKS("mkdir", mkdir("d", 0755));
  WORKS("utimensat", utimensat(AT_FDCWD, "d", times, 0));
  close(make("d/f", "f"));
  HOLDS("the time of a directory that has changed", status("d").st_mtim.tv_sec > 1234567890);
  HOLDS("the owner", status("f").st_uid == geteuid());
  WORKS("unlink", unlink("d/f"));
  WORKS("rmdir", rmdir("d"));
  WORKS("unlink", unlink("f"));
  struct statvfs v;
  WORKS("statvfs", statvfs(".", &v));
  HOLDS("the size of blocks", v.f_bsize > 0 && v.f_blocks > 0);
}

static void others(void) {
  WORKS("mkfifo", mkfifo("fifo", 0644));
  HOLDS("a FIFO", S_ISFIFO(status("fifo").st_mode));
  WORKS("unlink", unlink("fifo"));
  int fd = socket(AF_UNIX, SOCK_STREAM, 0), peer = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  WORKS("bind", bind(fd, (struct sockaddr *)&address, sizeof address));
  WORKS("listen", listen(fd, 1));
  WORKS("connect", connect(peer, (struct sockaddr *)&address, sizeof address));
  close(fd);
  close(peer);
  WORKS("unlink", unlink("socket"));
}

/* Whether another process is kept from what this one has locked. */
static void lock_by(const char *how, int (*lock)(int fd)) {
  int fd = make("f", "f");
  WORKS(how, lock(fd));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    FAILS(how, EAGAIN, lock(open("f", O_RDWR)));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, 0, 0);
  close(fd);
  WORKS("unlink", unlink("f"));
}

static int lock_range(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_SETLK, &lock);
}

static int lock_all(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }

static void locks(void) {
  lock_by("F_SETLK", lock_range);
  lock_by("flock", lock_all);
}

static void listing(void) {
  enum { COUNT = 700 };
  static char seen[COUNT];
  char name[32];
  WORKS("mkdir", mkdir("many", 0755));
  for (int i = 0; i < COUNT; i++) {
    snprintf(name, sizeof name, "many/%d", i);
    close(open(name, O_CREAT | O_WRONLY, 0644));
  }
  DIR *directory = opendir("many");
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_name[0] == '.') continue;
    int i = atoi(entry->d_name);
    HOLDS("an entry is listed once", i >= 0 && i < COUNT && !seen[i]++);
    snprintf(name, sizeof name, "many/%d", i);
    WORKS("removing what is being listed", unlink(name));
  }
  closedir(directory);
  int all = 0;
  for (int i = 0; i < COUNT; i++) all += seen[i];
  if (all != COUNT) wrong("listing: %d of %d", all, COUNT);
  WORKS("rmdir", rmdir("many"));
}

static void posix(void) {
  umask(022);
  names();
  directories();
  files();
  renames();
  links();
  attributes();
  others();
  locks();
  listing();
}

enum { MOST = 1 << 18 };

static unsigned char model[MOST];

static void check_model(int fd, size_t size, int step) {
  static unsigned char found[MOST];
  struct stat s;
  if (fstat(fd, &s) < 0 || (size_t)s.st_size != size) wrong("step %d: size %ld (expected: %zu)", step, (long)s.st_size, size);
  ssize_t n = pread(fd, found, MOST, 0);
  if (n != (ssize_t)size) {
    wrong("step %d: read %zd (expected: %zu)", step, n, size);
  } else {
    for (size_t i = 0; i < size; i++) {
      if (found[i] != model[i]) {
        wrong("step %d: byte %zu is %d (expected: %d)", step, i, found[i], model[i]);
        break;
      }
    }
  }
}

static void at_random(unsigned seed, int count) {
  int fd = open("random", O_CREAT | O_RDWR | O_TRUNC, 0644);
  size_t size = 0;
  srandom(seed);
  for (int step = 0; step < count; step++) {
    size_t offset = random() % MOST, length = random() % (MOST / 8);
    if (offset + length > MOST) length = MOST - offset;
    int kind = random() % 8;
    if (kind < 3) {
      unsigned char *data = malloc(length + 1);
      for (size_t i = 0; i < length; i++) data[i] = random();
      if (length && pwrite(fd, data, length, offset) != (ssize_t)length) wrong("step %d: write: %s", step, strerrorname_np(errno));
      if (length && offset > size) memset(model + size, 0, offset - size);
      memcpy(model + offset, data, length);
      if (length && offset + length > size) size = offset + length;
      free(data);
    } else if (kind == 3) {
      if (ftruncate(fd, offset) < 0) wrong("step %d: truncate: %s", step, strerrorname_np(errno));
      if (offset > size) memset(model + size, 0, offset - size);
      size = offset;
    } else if (kind == 4 && size > 0) {
      offset %= size;
      unsigned char *map = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (map == MAP_FAILED) {
        wrong("step %d: mmap: %s", step, strerrorname_np(errno));
      } else {
        for (size_t i = offset; i < size && i < offset + length; i++) model[i] = map[i] = random();
        munmap(map, size);
      }
    } else if (kind == 5) {
      close(fd);
      fd = open("random", O_RDWR);
      if (fd < 0) wrong("step %d: open: %s", step, strerrorname_np(errno));
    } else if (kind == 6) {
      if (fsync(fd) < 0) wrong("step %d: fsync: %s", step, strerrorname_np(errno));
    } else {
      check_model(fd, size, step);
    }
  }
  check_model(fd, size, count);
  close(fd);
  WORKS("unlink", unlink("random"));
}

int main(int argc, char **argv) {
  if (argc < 3 || chdir(argv[2]) < 0) return 2;
  if (strcmp(argv[1], "posix") == 0) posix();
  else if (argc == 5) at_random(atoi(argv[3]), atoi(argv[4]));
  printf("done\n");
  return 0;
}
