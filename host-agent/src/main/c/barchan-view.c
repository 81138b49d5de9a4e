/*
 * Puts together what a sandbox is to see of the host's file systems, in a mount namespace of its own, where no other process of the
 * host sees it: each source, opened once and without following a link, and empty things mounted over what is secret.
 *
 * Standard input has records that end with NUL:
 *
 *   client UID GID          whose rights decide what may be opened
 *   emulator UID GID        whose rights decide what can be read: the user that QEMU runs as
 *   share TAG ro|rw PATH    a directory, or a file, of the host; PATH is absolute
 *   mask TAG PATH           what of a share is to look empty, if it is there; PATH is absolute, with the share as root; links are followed
 *   only TAG DIR KEEP       of a directory of a share nothing is to be seen but KEEP, which lies below it; both as above, without blanks
 *   end
 *
 * Answers by lines: "problem TAG WHAT ERRNO" for each share that does not do, or "failed STEP ERRNO"; else "share TAG directory|file" for
 * each, and "ready". From then on the shares are at /proc/PID/root/TAG (a file at /proc/PID/root/TAG/file), for the emulator's user too. It
 * lives until standard input ends.
 *
 * The last thing is a further user and mount namespace. The kernel locks the mounts that go with it, and locked ones stay together when
 * the namespace ends: who has a share open sees it masked for good, though nothing holds the namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* sys/mount.h and linux/mount.h can't both be included with every C library. */
extern int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
#ifndef MS_REC
#define MS_REC 16384
#define MS_PRIVATE (1 << 18)
#endif
#define MS_NOSUID 2
#define MS_NODEV 4

#define MOST_INPUT (1 << 20)
#define MAX_SHARES 256
#define MAX_GROUPS 1024
#define EMPTY_FILE ".empty/file"

struct user {
  uid_t uid;
  gid_t gid;
};

struct share {
  const char *tag;
  const char *path;
  bool writable;
  bool directory;
  int tree;
};

static struct user client, emulator;
static struct share shares[MAX_SHARES];
static int share_count;
static uid_t self;
static gid_t own_groups[MAX_GROUPS];
static int own_group_count;

static void fail(const char *step) {
  printf("failed %s %d\n", step, errno);
  fflush(stdout);
  exit(1);
}

static void check(long result, const char *step) {
  if (result < 0) fail(step);
}

static int open_beneath(int directory, const char *path, uint64_t resolve) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = resolve};
  return syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static int clone_tree(int directory, const char *path, unsigned flags) {
  return syscall(SYS_open_tree, directory, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

static long move_tree(int tree, int directory, const char *path, unsigned flags) {
  return syscall(SYS_move_mount, tree, "", directory, path, MOVE_MOUNT_F_EMPTY_PATH | flags);
}

static long restrict_tree(int tree, uint64_t attributes) {
  struct mount_attr attr = {.attr_set = attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE};
  return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr);
}

static void set_capabilities(bool effective) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  check(syscall(SYS_capget, &header, data), "capget");
  for (int i = 0; i < 2; i++) data[i].effective = effective ? data[i].permitted : 0;
  check(syscall(SYS_capset, &header, data), "capset");
}

/* From here to act_as_self(), files are accessed with the rights of an ordinary user. Root's own are those that it has. */
static void act_as(struct user user) {
  if (self != 0) {
    set_capabilities(false);
  } else if (user.uid != 0) {
    gid_t groups[MAX_GROUPS];
    int count = MAX_GROUPS;
    struct passwd *entry = getpwuid(user.uid);
    if (!entry || getgrouplist(entry->pw_name, user.gid, groups, &count) < 0) {
      groups[0] = user.gid;
      count = 1;
    }
    check(setgroups(count, groups), "setgroups");
    setfsgid(user.gid);
    setfsuid(user.uid);
    /* They never fail; asking with an impossible number tells what is in force. */
    if ((uid_t)setfsuid(-1) != user.uid || (gid_t)setfsgid(-1) != user.gid) {
      errno = EPERM;
      fail("setfsuid");
    }
  }
}

static void act_as_self(void) {
  if (self != 0) {
    set_capabilities(true);
  } else {
    setfsuid(0);
    setfsgid(getegid());
    check(setgroups(own_group_count, own_groups), "setgroups");
  }
}

static bool may(int fd, int mode) { return syscall(SYS_faccessat2, fd, "", mode, AT_EACCESS | AT_EMPTY_PATH) == 0; }

/* Opens the source of a share; returns what is wrong, or null. */
static const char *open_share(struct share *share) {
  act_as(client);
  int fd = open_beneath(AT_FDCWD, share->path, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  act_as_self();
  if (fd < 0) return "open";
  struct stat s;
  check(fstat(fd, &s), "stat");
  errno = 0;
  share->directory = S_ISDIR(s.st_mode);
  if (!share->directory && !S_ISREG(s.st_mode)) return "kind";
  act_as(emulator);
  bool readable = may(fd, share->directory ? R_OK | X_OK : R_OK);
  bool writable = !share->writable || may(fd, share->directory ? W_OK | X_OK : W_OK);
  int error = errno;
  act_as_self();
  errno = error;
  if (!readable) return "read";
  if (!writable) return "write";
  share->tree = clone_tree(fd, "", AT_EMPTY_PATH | AT_RECURSIVE);
  if (share->tree < 0 || restrict_tree(share->tree, share->writable ? 0 : MOUNT_ATTR_RDONLY) < 0) return "clone";
  close(fd);
  return 0;
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  check(fd, path);
  check(write(fd, text, strlen(text)), path);
  close(fd);
}

/* A user namespace that knows one user, and a mount namespace in it. */
static void enter_namespaces(uid_t uid, gid_t gid) {
  char map[64];
  check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare-user");
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%u %u 1", uid, uid);
  write_file("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "%u %u 1", gid, gid);
  write_file("/proc/self/gid_map", map);
}

static void make_workplace(void) {
  /* Any directory would do: all that is still needed of the namespace's own file systems is /proc. */
  check(mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4m"), "mount-tmpfs");
  check(chdir("/dev"), "chdir");
  check(mkdir(".empty", 0755), "mkdir");
  int fd = open(EMPTY_FILE, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
  check(fd, "make-file");
  close(fd);
}

static void place_share(struct share *share) {
  char path[PATH_MAX];
  check(mkdir(share->tag, 0755), "mkdir");
  snprintf(path, sizeof path, "%s%s", share->tag, share->directory ? "" : "/file");
  if (!share->directory) {
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    check(fd, "make-file");
    close(fd);
  }
  check(move_tree(share->tree, AT_FDCWD, path, 0), "move-share");
  close(share->tree);
}

/* Returns a descriptor of something in a share, or -1 where there is no such thing. */
static int look_up(const char *tag, const char *path, const char *step) {
  int root = open(tag, O_PATH | O_DIRECTORY | O_CLOEXEC);
  check(root, step);
  int fd = open_beneath(root, path, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  /* Where this process finds nothing, or no way, the emulator finds none. */
  if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EACCES && errno != ENAMETOOLONG) fail(step);
  close(root);
  return fd;
}

static void cover(int place, const char *with, const char *step) {
  int tree = clone_tree(AT_FDCWD, with, 0);
  check(tree, step);
  check(restrict_tree(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC), step);
  check(move_tree(tree, place, "", MOVE_MOUNT_T_EMPTY_PATH), step);
  close(tree);
}

/* Makes a directory with a number of its own. A guest takes directories with the same number for one, which has moved. */
static void make_empty(char path[], size_t size) {
  static int count;
  snprintf(path, size, ".empty/%d", count++);
  check(mkdir(path, 0755), "mkdir");
}

static void mask(const char *tag, const char *path) {
  int place = look_up(tag, path, "mask");
  if (place < 0) return;
  struct stat s;
  check(fstat(place, &s), "mask");
  char directory[64];
  if (S_ISDIR(s.st_mode)) make_empty(directory, sizeof directory);
  cover(place, S_ISDIR(s.st_mode) ? directory : EMPTY_FILE, "mask");
  close(place);
}

/* Makes the directories above and including a path's last. */
static void make_directories(char *path) {
  for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(path, 0755) < 0 && errno != EEXIST) fail("only");
    *slash = '/';
  }
  if (mkdir(path, 0755) < 0 && errno != EEXIST) fail("only");
}

static void only(const char *tag, const char *directory, const char *keep) {
  char skeleton[64], path[PATH_MAX];
  int place = look_up(tag, directory, "only");
  if (place < 0) return;
  make_empty(skeleton, sizeof skeleton);
  int kept = look_up(tag, keep, "only");
  int tree = -1;
  if (kept >= 0) {
    tree = clone_tree(kept, "", AT_EMPTY_PATH | AT_RECURSIVE);
    check(tree, "only");
    close(kept);
  }
  snprintf(path, sizeof path, "%s%s", skeleton, kept >= 0 ? keep + strlen(directory) : "");
  make_directories(path);
  cover(place, skeleton, "only");
  close(place);
  if (tree >= 0) {
    int target = look_up(tag, keep, "only");
    check(target, "only");
    check(move_tree(tree, target, "", MOVE_MOUNT_T_EMPTY_PATH), "only");
    close(target);
    close(tree);
  }
}

static char *read_input(size_t *length) {
  char *input = malloc(MOST_INPUT);
  static const char end[] = "end";
  *length = 0;
  while (*length < sizeof end || memcmp(input + *length - sizeof end, end, sizeof end) != 0) {
    ssize_t n = input ? read(STDIN_FILENO, input + *length, MOST_INPUT - *length) : -1;
    if (n <= 0) {
      if (n == 0) errno = *length == MOST_INPUT ? E2BIG : EPIPE;
      fail("read");
    }
    *length += n;
  }
  return input;
}

static char *word(char **rest) {
  char *found = strsep(rest, " ");
  if (!found || !*rest) {
    errno = EINVAL;
    fail("parse");
  }
  return found;
}

static struct user user(char *rest) {
  char *uid = word(&rest);
  return (struct user){strtoul(uid, 0, 10), strtoul(rest, 0, 10)};
}

/* Takes in a record that comes before the masks; returns whether it was one. */
static bool take(char *record) {
  char *rest = record;
  char *kind = word(&rest);
  if (strcmp(kind, "client") == 0) {
    client = user(rest);
  } else if (strcmp(kind, "emulator") == 0) {
    emulator = user(rest);
  } else if (strcmp(kind, "share") == 0) {
    if (share_count == MAX_SHARES) {
      errno = E2BIG;
      fail("parse");
    }
    struct share *share = &shares[share_count++];
    share->tag = word(&rest);
    share->writable = strcmp(word(&rest), "rw") == 0;
    share->path = rest;
  } else {
    rest[-1] = ' ';
    return false;
  }
  return true;
}

static void cover_up(char *record) {
  char *rest = record;
  char *kind = word(&rest);
  char *tag = word(&rest);
  if (strcmp(kind, "mask") == 0) {
    mask(tag, rest);
  } else if (strcmp(kind, "only") == 0) {
    char *directory = word(&rest);
    only(tag, directory, rest);
  } else {
    errno = EINVAL;
    fail("parse");
  }
}

static void open_shares(void) {
  bool problems = false;
  for (int i = 0; i < share_count; i++) {
    const char *what = open_share(&shares[i]);
    if (what) printf("problem %s %s %d\n", shares[i].tag, what, errno);
    problems |= what != 0;
  }
  fflush(stdout);
  if (problems) exit(1);
}

/* What is left of the process can be entered by the emulator's user, and can do nothing. */
static void give_up_rights(void) {
  if (self == 0) {
    check(setgroups(0, 0), "setgroups");
    check(setresgid(emulator.gid, emulator.gid, emulator.gid), "setgid");
    check(setresuid(emulator.uid, emulator.uid, emulator.uid), "setuid");
  }
  check(prctl(PR_SET_DUMPABLE, 1), "dumpable");
  enter_namespaces(emulator.uid, emulator.gid);
  check(chroot("."), "chroot");
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  check(syscall(SYS_capset, &header, none), "capset");
  check(prctl(PR_SET_DUMPABLE, 1), "dumpable");
}

int main(void) {
  size_t length;
  char *input = read_input(&length);
  char *masks = input;
  self = geteuid();
  umask(0);
  own_group_count = getgroups(MAX_GROUPS, own_groups);
  check(own_group_count, "getgroups");
  while (strcmp(masks, "end") != 0) {
    size_t size = strlen(masks) + 1;
    if (!take(masks)) break;
    masks += size;
  }
  if (self == 0) {
    check(unshare(CLONE_NEWNS), "unshare");
  } else {
    enter_namespaces(self, getegid());
  }
  check(mount(0, "/", 0, MS_REC | MS_PRIVATE, 0), "make-private");
  open_shares();
  make_workplace();
  for (int i = 0; i < share_count; i++) place_share(&shares[i]);
  while (strcmp(masks, "end") != 0) {
    size_t size = strlen(masks) + 1;
    cover_up(masks);
    masks += size;
  }
  give_up_rights();
  for (int i = 0; i < share_count; i++) printf("share %s %s\n", shares[i].tag, shares[i].directory ? "directory" : "file");
  printf("ready\n");
  fflush(stdout);
  char c;
  while (read(STDIN_FILENO, &c, 1) > 0 || errno == EINTR) errno = 0;
  return 0;
}
