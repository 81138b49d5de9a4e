/*
 * The least that a guest can be: loads the modules listed in /modules/boot.list, finds the virtio-serial port named on the
 * kernel's command line after "floor.port=", writes one byte to it, or "floor.bytes=N" bytes read from /dev/zero, and waits.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char command_line[4096];

static const char *option(const char *name, const char *otherwise) {
  char *found = strstr(command_line, name);
  if (!found) return otherwise;
  char *value = strdup(found + strlen(name));
  value[strcspn(value, " \n")] = 0;
  return value;
}

static void load(char *name) {
  char path[512];
  snprintf(path, sizeof path, "/modules/%s", name);
  int fd = open(path, O_RDONLY);
  if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0) perror(path);
  close(fd);
}

static int open_port(const char *wanted) {
  struct timespec pause = {0, 200000};
  for (int i = 0; i < 50000; i++, nanosleep(&pause, 0)) {
    DIR *ports = opendir("/sys/class/virtio-ports");
    for (struct dirent *e; ports && (e = readdir(ports));) {
      char path[512], name[128] = {0};
      snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", e->d_name);
      FILE *f = fopen(path, "r");
      if (!f) continue;
      if (fscanf(f, "%127s", name) != 1) name[0] = 0;
      fclose(f);
      snprintf(path, sizeof path, "/dev/%s", e->d_name);
      if (!strcmp(name, wanted)) return closedir(ports), open(path, O_RDWR);
    }
    if (ports) closedir(ports);
  }
  return -1;
}

int main(void) {
  mkdir("/proc", 0755);
  mkdir("/sys", 0755);
  mkdir("/dev", 0755);
  mount("proc", "/proc", "proc", 0, 0);
  mount("sysfs", "/sys", "sysfs", 0, 0);
  mount("devtmpfs", "/dev", "devtmpfs", 0, 0);
  int fd = open("/proc/cmdline", O_RDONLY);
  if (read(fd, command_line, sizeof command_line - 1) < 0) perror("/proc/cmdline");
  char line[256];
  FILE *list = fopen("/modules/boot.list", "r");
  while (list && fgets(line, sizeof line, list)) {
    line[strcspn(line, "\n")] = 0;
    if (line[0]) load(line);
  }
  int port = open_port(option("floor.port=", ""));
  if (port < 0) perror("port");
  long left = atol(option("floor.bytes=", "1"));
  static char block[65536];
  int zero = open("/dev/zero", O_RDONLY);
  while (left > 0) {
    ssize_t n = read(zero, block, left < (long)sizeof block ? (size_t)left : sizeof block);
    for (ssize_t at = 0, w; at < n; at += w)
      if ((w = write(port, block + at, n - at)) <= 0) { perror("write"); break; }
    left -= n;
  }
  /* To power off now would lose what QEMU has not written yet: whoever reads it ends QEMU. */
  for (;;) pause();
}
