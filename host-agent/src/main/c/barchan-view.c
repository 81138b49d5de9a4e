/*
 * Puts together what a sandbox is to see of the host's file systems, in a mount namespace of its own, where no other process of the
 * host sees it: each source, opened once and without following a link, and empty things mounted over what is secret.
 *
 * Standard input has records that end with NUL:
 *
 *   client UID GID          whose rights decide what may be opened
 *   emulator UID GID        whose rights decide what can be read: the user that QEMU runs as
 *   share TAG ro|rw emulator|client|lent PATH
 *                           a directory, or a file, of the host, and with whose rights it is read and written: lent, the client's, which
 *                           the emulator gets; PATH is absolute
 *   mask TAG PATH           what of a share is to look empty, if it is there; PATH is absolute, with the share as root; links are followed
 *   only TAG DIR KEEP       of a directory of a share nothing is to be seen but KEEP, which lies below it; both as above, without blanks
 *   serve TAG OPTIONS PROGRAM
 *                           a virtiofsd for a share, which QEMU finds at TAG.socket
 *   end
 *
 * Answers by lines: "problem TAG WHAT ERRNO" for each share that does not do, or "failed STEP ERRNO"; else "share TAG directory|file" for
 * each, and "ready". From then on the shares are at /proc/PID/root/TAG (a file at /proc/PID/root/TAG/file), for the emulator's user too. It
 * lives until standard input ends.
 *
 * A file that is lent and can't be written to belongs to the emulator where that sees it: an idmapped mount maps its owner
 * (mount_setattr(2)). To write, the emulator needs rights of its own.
 *
 * A virtiofsd has a user namespace of its own, in which it is its user and has power over nothing but the share. It ends when QEMU closes the
 * connection, or when this ends before QEMU has opened it.
 *
 * The last thing is a further user and mount namespace. The kernel locks the mounts that go with it, and locked ones stay together when
 * the namespace ends: who has a share open sees it masked for good, though nothing holds the namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
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
#define MOST_FILES (1 << 20)
#define EMPTY_FILE ".empty/file"

struct user {
  uid_t uid;
  gid_t gid;
};

struct share {
  const char *tag;
  const char *path;
  bool writable;
  enum { EMULATOR, CLIENT, LENT } rights;
  bool directory;
  int tree;
  /* Of its virtiofsd. */
  pid_t server;
  int socket;
};

static struct user client, emulator;
static struct share shares[MAX_SHARES];
static int share_count;
static uid_t self;
static int null;
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
  int opened;
  int tries = 1000;
  /* The kernel gives up where a mount or a rename, of anything on the host, comes between its steps (openat2(2)). */
  do {
    opened = syscall(SYS_openat2, directory, path, &how, sizeof how);
  } while (opened < 0 && errno == EAGAIN && --tries > 0);
  return opened;
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

static void take_groups(struct user user) {
  gid_t groups[MAX_GROUPS];
  int count = MAX_GROUPS;
  struct passwd *entry = getpwuid(user.uid);
  if (!entry || getgrouplist(entry->pw_name, user.gid, groups, &count) < 0) {
    groups[0] = user.gid;
    count = 1;
  }
  check(setgroups(count, groups), "setgroups");
}

/* From here to act_as_self(), files are accessed with the rights of an ordinary user. Root's own are those that it has. */
static void act_as(struct user user) {
  if (self != 0) {
    set_capabilities(false);
  } else if (user.uid != 0) {
    take_groups(user);
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

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  check(fd, path);
  check(write(fd, text, strlen(text)), path);
  close(fd);
}

/* Returns a user namespace in which an owner is the emulator. Its process is gone when this returns. */
static int map_owner(const struct stat *owner) {
  int channel[2];
  char path[64], map[64], c = 0;
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), "socketpair");
  fflush(stdout);
  pid_t pid = fork();
  check(pid, "fork");
  if (pid == 0) {
    close(channel[0]);
    if (unshare(CLONE_NEWUSER) == 0 && write(channel[1], &c, 1) == 1 && read(channel[1], &c, 1) == 1) _exit(0);
    _exit(1);
  }
  close(channel[1]);
  int fd = -1;
  if (read(channel[0], &c, 1) == 1) {
    snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
    snprintf(map, sizeof map, "%u %u 1", owner->st_uid, emulator.uid);
    write_file(path, map);
    snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
    snprintf(map, sizeof map, "%u %u 1", owner->st_gid, emulator.gid);
    write_file(path, map);
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
  }
  close(channel[0]);
  waitpid(pid, 0, 0);
  return fd;
}

/* Gives the emulator the rights to a file that its owner has, where the file system takes that. */
static void lend(struct share *share, const struct stat *owner) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
  int namespace = map_owner(owner);
  if (namespace < 0) return;
  attr.userns_fd = namespace;
  syscall(SYS_mount_setattr, share->tree, "", AT_EMPTY_PATH, &attr, sizeof attr);
  close(namespace);
}

/* Says what a user may not do with a share, or null. */
static const char *refused(const struct share *share, int fd, struct user user) {
  act_as(user);
  bool readable = may(fd, share->directory ? R_OK | X_OK : R_OK);
  bool writable = !share->writable || may(fd, share->directory ? W_OK | X_OK : W_OK);
  int error = errno;
  act_as_self();
  errno = error;
  return !writable ? "write" : !readable ? "read" : 0;
}

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
  const char *problem = refused(share, fd, share->rights == EMULATOR ? emulator : client);
  if (problem) return problem;
  share->tree = clone_tree(fd, "", AT_EMPTY_PATH | AT_RECURSIVE);
  if (share->tree < 0 || restrict_tree(share->tree, share->writable ? 0 : MOUNT_ATTR_RDONLY) < 0) return "clone";
  close(fd);
  if (share->rights != LENT || !refused(share, share->tree, emulator)) return 0;
  /* Who owns what can be changed could give it set-ID bits, and be its owner where they count. */
  if (!share->writable) lend(share, &s);
  return refused(share, share->tree, emulator);
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

/*
 * What an ordinary user may do in a directory with root's rights in a namespace: no programs that give away who made them, no devices. For who
 * has one user alone, changes of the user are none.
 */
static void filter_calls(bool one_user) {
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE(error) ANSWER(SECCOMP_RET_ERRNO | (error))
#define ALLOW ANSWER(SECCOMP_RET_ALLOW)
#define IF(number, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, count)
#define WITHOUT_SPECIAL_BITS(number, argument) \
  IF(number, 4), LOAD(args[argument]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 0, 1), REFUSE(EPERM), ALLOW
#define CREATING_WITHOUT_SPECIAL_BITS(number, flags, argument)                                                                   \
  IF(number, 6), LOAD(args[flags]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), 0, 3), LOAD(args[argument]), \
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 0, 1), REFUSE(EPERM), ALLOW
#define NO_DEVICE(number, argument)                                                                                            \
  IF(number, 7), LOAD(args[argument]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 3, 0),                             \
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, S_IFMT), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, S_IFCHR, 1, 0),                            \
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, S_IFBLK, 0, 1), REFUSE(EPERM), ALLOW
#define CHANGES_NOTHING(number) IF(number, 1), REFUSE(0)
  struct sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
      LOAD(nr),
      WITHOUT_SPECIAL_BITS(SYS_chmod, 1),
      WITHOUT_SPECIAL_BITS(SYS_fchmod, 1),
      WITHOUT_SPECIAL_BITS(SYS_fchmodat, 2),
      WITHOUT_SPECIAL_BITS(SYS_mkdir, 1),
      WITHOUT_SPECIAL_BITS(SYS_mkdirat, 2),
      WITHOUT_SPECIAL_BITS(SYS_creat, 1),
      CREATING_WITHOUT_SPECIAL_BITS(SYS_open, 1, 2),
      CREATING_WITHOUT_SPECIAL_BITS(SYS_openat, 2, 3),
      NO_DEVICE(SYS_mknod, 1),
      NO_DEVICE(SYS_mknodat, 2),
      /* Their arguments can't be looked at, or their programs know how to do without them. */
      IF(SYS_openat2, 1),
      REFUSE(ENOSYS),
      IF(452 /* fchmodat2 */, 1),
      REFUSE(ENOSYS),
      IF(SYS_io_uring_setup, 1),
      REFUSE(ENOSYS),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000 /* x32 */, 0, 1),
      REFUSE(ENOSYS),
      BPF_JUMP(BPF_JMP | BPF_JA, one_user ? 0 : 6, 0, 0),
      CHANGES_NOTHING(SYS_setresuid),
      CHANGES_NOTHING(SYS_setresgid),
      CHANGES_NOTHING(SYS_setgroups),
      ALLOW,
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

/* What is taken to shut oneself in, and is given up then; and, where nothing is written, to open files as overlays do: O_NOATIME is for owners. */
static void keep_capabilities(bool owner) {
  uint32_t kept = 1U << CAP_SYS_ADMIN | 1U << CAP_SYS_CHROOT | 1U << CAP_SETPCAP | (owner ? 1U << CAP_FOWNER : 0);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{kept, kept, kept}, {0}};
  for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
    if (cap >= 32 || !(kept & 1U << cap)) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  }
  check(syscall(SYS_capset, &header, data), "capset");
  for (int cap = 0; cap < 32; cap++) {
    if (kept & 1U << cap) check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0), "ambient");
  }
}

/* Becomes a virtiofsd. The other end of the channel writes the maps of users, where this process may not. */
static void become_server(struct share *share, const char *given, const char *program, int channel) {
  struct user user = share->rights == CLIENT ? client : emulator;
  bool rooted = self == 0 && user.uid == 0;
  char fd[32], source[PATH_MAX], options[256], c = 0;
  struct rlimit files;
  /* Each file that the guest knows is open. */
  check(getrlimit(RLIMIT_NOFILE, &files), "getrlimit");
  struct rlimit more = {.rlim_cur = MOST_FILES, .rlim_max = MOST_FILES};
  files.rlim_cur = files.rlim_max;
  if (files.rlim_max >= MOST_FILES || setrlimit(RLIMIT_NOFILE, &more) < 0) check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
  if (self == 0) {
    take_groups(user);
    check(setresgid(user.gid, user.gid, user.gid), "setgid");
    check(setresuid(user.uid, user.uid, user.uid), "setuid");
    check(prctl(PR_SET_DUMPABLE, 1), "dumpable");
    check(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC), "unshare-user");
    check(write(channel, &c, 1), "channel");
    if (read(channel, &c, 1) != 1) fail("map");
  } else {
    enter_namespaces(user.uid, user.gid);
  }
  bool owner = self == 0 && !share->writable;
  if (!rooted) keep_capabilities(owner);
  snprintf(fd, sizeof fd, "--fd=%d", share->socket);
  snprintf(source, sizeof source, "source=/dev/%s", share->tag);
  snprintf(options, sizeof options, "sandbox=namespace,log_level=warn,%s%s%s", given,
           rooted ? "" : ",modcaps=-chown:-dac_override:-fsetid:-setgid:-setuid:-mknod:-setfcap", rooted || owner ? "" : ":-fowner");
  check(fcntl(share->socket, F_SETFD, 0), "fcntl");
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  /* Who reads what it has to say may end before it. */
  signal(SIGPIPE, SIG_IGN);
  check(dup2(null, STDIN_FILENO), "dup");
  check(dup2(null, STDOUT_FILENO), "dup");
  filter_calls(!rooted);
  execl(program, "virtiofsd", fd, "-o", source, "-o", options, "--rlimit-nofile=0", "-f", (char *)0);
  int error = errno;
  if (write(channel, &error, sizeof error) < 0) _exit(2);
  _exit(1);
}

static void write_maps(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
  write_file(path, "0 0 4294967295");
  snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
  write_file(path, "0 0 4294967295");
}

static void listen_for(struct share *share) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s.socket", share->tag);
  share->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(share->socket, "socket");
  check(bind(share->socket, (struct sockaddr *)&address, sizeof address), "bind");
  check(chown(address.sun_path, emulator.uid, emulator.gid), "chown");
  check(chmod(address.sun_path, 0600), "chmod");
  check(listen(share->socket, 1), "listen");
}

static void serve(const char *tag, const char *options, const char *program) {
  struct share *share = shares;
  while (share < shares + share_count && strcmp(share->tag, tag) != 0) share++;
  if (share == shares + share_count) {
    errno = EINVAL;
    fail("parse");
  }
  int channel[2], error;
  char c = 0;
  listen_for(share);
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), "socketpair");
  fflush(stdout);
  share->server = fork();
  check(share->server, "fork");
  if (share->server == 0) {
    close(channel[0]);
    become_server(share, options, program, channel[1]);
  }
  close(channel[1]);
  if (self == 0) {
    if (read(channel[0], &c, 1) != 1) exit(1);
    write_maps(share->server);
    check(write(channel[0], &c, 1), "channel");
  }
  /* It is closed by exec, without a word. */
  if (read(channel[0], &error, sizeof error) > 0) {
    errno = error;
    fail("exec");
  }
  close(channel[0]);
}

/* Waits for the end of standard input. A server that ends takes no connection any more, nor does any when this ends. */
static void stay(void) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signalfd(-1, &children, SFD_CLOEXEC), .events = POLLIN}};
  bool ended = false;
  while (!ended) {
    if (poll(fds, 2, -1) < 0) continue;
    char c;
    ended = fds[0].revents && read(STDIN_FILENO, &c, 1) <= 0;
    struct signalfd_siginfo info;
    if (fds[1].revents && read(fds[1].fd, &info, sizeof info) < 0) continue;
    for (int i = 0; i < share_count; i++) {
      if (shares[i].server && (ended || waitpid(shares[i].server, 0, WNOHANG) == shares[i].server)) {
        shutdown(shares[i].socket, SHUT_RDWR);
        close(shares[i].socket);
        shares[i].server = 0;
      }
    }
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
    char *rights = word(&rest);
    share->rights = strcmp(rights, "client") == 0 ? CLIENT : strcmp(rights, "lent") == 0 ? LENT : EMULATOR;
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
  } else if (strcmp(kind, "serve") == 0) {
    char *options = word(&rest);
    serve(tag, options, rest);
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
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, 0);
  /* Who reads what is said there may have ended, or wait. */
  fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
  null = open("/dev/null", O_RDWR | O_CLOEXEC);
  check(null, "open-null");
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
  stay();
  return 0;
}
