/*
 * The init of a guest that tests drive over the link: it obeys a line at a time and answers each with a line.
 * Its initrd holds it, and below /modules what it loads, in the order of /modules/order.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static FILE *console;

static void die(const char *what)
{
    fprintf(console, "test-init: %s: %s\n", what, strerror(errno));
    reboot(RB_POWER_OFF);
}

static void load_modules(void)
{
    FILE *order = fopen("/modules/order", "r");
    char path[300] = "/modules/";
    if (!order)
        die("/modules/order");
    while (fscanf(order, "%200s", path + 9) == 1) {
        int fd = open(path, O_RDONLY);
        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
            die(path);
        close(fd);
    }
}

static FILE *open_link(void)
{
    /* Which device the port becomes varies; it comes at once with its driver, but its name a little later. */
    for (int tries = 0; tries < 2000; tries++) {
        for (int device = 0; device < 4; device++) {
            char path[100], name[100] = "";
            sprintf(path, "/sys/class/virtio-ports/vport%dp1/name", device);
            FILE *file = fopen(path, "r");
            if (!file)
                continue;
            int known = fscanf(file, "%99s", name) == 1;
            fclose(file);
            if (known && !strcmp(name, "org.barchan.link")) {
                sprintf(path, "/dev/vport%dp1", device);
                return fopen(path, "r+");
            }
        }
        usleep(1000);
    }
    return NULL;
}

static void read_file(FILE *link, const char *path)
{
    char text[1000];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (n < 0)
        fprintf(link, "error %s\n", strerror(errno));
    else
        fprintf(link, "%.*s\n", (int)n, text);
    if (fd >= 0)
        close(fd);
}

static void write_file(FILE *link, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    fprintf(link, "%s\n", fd < 0 ? strerror(errno) : "written");
    if (fd >= 0)
        close(fd);
}

int main(void)
{
    char line[1000];
    console = fopen("/dev/console", "w");
    setvbuf(console, NULL, _IONBF, 0);
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mkdir("/share", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    load_modules();
    FILE *link = open_link();
    if (!link)
        die("link");
    setvbuf(link, NULL, _IONBF, 0);
    fprintf(console, "test-init: up\n");
    while (fgets(line, sizeof line, link)) {
        line[strcspn(line, "\n")] = 0;
        if (!strcmp(line, "hello"))
            fprintf(link, "hello\n");
        else if (!strcmp(line, "mount"))
            fprintf(link, "%s\n", mount("share", "/share", "9p", 0, "trans=virtio,version=9p2000.L") ? strerror(errno) : "mounted");
        else if (!strncmp(line, "read ", 5))
            read_file(link, line + 5);
        else if (!strncmp(line, "write ", 6))
            write_file(link, line + 6);
        else if (!strcmp(line, "poweroff"))
            reboot(RB_POWER_OFF);
        else if (!strcmp(line, "reboot"))
            reboot(RB_AUTOBOOT);
        else if (!strcmp(line, "panic"))
            exit(1);
        else
            fprintf(link, "what?\n");
    }
    die("link");
    return 1;
}
