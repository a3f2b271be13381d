/* What a hostile process does from inside its container, and, as `swap`, from beside it. One static program, so that it runs in
 * any root: inside WHAT [ARGUMENT ...]. Each prints what it reached, one a line; a tight container lets it print nothing. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* Whether it is a program of neither this process nor the image. */
static int is_foreign_program(const struct stat* program) {
    const char* own[] = {"/proc/self/exe", "/bin/busybox"};
    for (int i = 0; i < 2; ++i) {
        struct stat about;
        if (stat(own[i], &about) == 0 && about.st_dev == program->st_dev && about.st_ino == program->st_ino) return 0;
    }
    return 1;
}

/* swap A B [SECONDS]: the two names change places all the time. */
static int swap(const char* a, const char* b, double seconds) {
    for (double end = now() + seconds; now() < end;)
        for (int i = 0; i < 100; ++i) syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2);
    return 0;
}

/* executables SECONDS: every program that shows in /proc and is not of this image, opened for writing. */
static int executables(double seconds) {
    unsigned long seen = 0;
    for (double end = now() + seconds; now() < end;) {
        DIR* proc = opendir("/proc");
        for (struct dirent* e; proc && (e = readdir(proc));) {
            char path[64];
            struct stat about;
            if (e->d_name[0] < '1' || e->d_name[0] > '9' || strlen(e->d_name) > 10) continue;
            snprintf(path, sizeof(path), "/proc/%s/exe", e->d_name);
            if (stat(path, &about) < 0 || !is_foreign_program(&about)) continue;
            if (seen++ == 0) puts("SEEN"), fflush(stdout);
            /* Busy while it runs, so the descriptor is kept and tried again after its exec. */
            const int reading = open(path, O_RDONLY | O_CLOEXEC);
            char again[64];
            snprintf(again, sizeof(again), "/proc/self/fd/%d", reading);
            for (int i = 0; reading >= 0 && i < 2000; ++i) {
                const int fd = open(again, O_WRONLY | O_CLOEXEC);
                if (fd >= 0) { printf("WRITABLE %s\n", path), fflush(stdout); close(fd); break; }
                if (errno != ETXTBSY) break;
            }
            if (reading >= 0) close(reading);
        }
        if (proc) closedir(proc);
    }
    return 0;
}

/* newcomers SECONDS: each process that appears is looked into and attached to before it runs code of this image. */
static int newcomers(double seconds) {
    unsigned long seen = 0;
    for (double end = now() + seconds; now() < end;) {
        DIR* proc = opendir("/proc");
        for (struct dirent* e; proc && (e = readdir(proc));) {
            const int pid = atoi(e->d_name);
            char path[64], target[4096];
            struct stat about;
            if (pid <= 1 || pid == getpid()) continue;
            snprintf(path, sizeof(path), "/proc/%d/exe", pid);
            const int known = stat(path, &about);
            const int is_foreign = known == 0 && is_foreign_program(&about);
            /* Of the same user, and yet it cannot be looked into: it has not run the program of this image yet. */
            const int is_closed = known < 0 && (errno == EACCES || errno == EPERM);
            if ((is_foreign || is_closed) && seen++ == 0) puts("SEEN"), fflush(stdout);
            for (int fd = 0; fd < 40; ++fd) {
                snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
                const ssize_t size = readlink(path, target, sizeof(target) - 1);
                if (size <= 0) continue;
                target[size] = 0;
                if (fd > 2 && is_foreign) printf("DESCRIPTOR %s -> %s\n", path, target);
            }
            for (int n = 0; n < 2; ++n) {
                snprintf(path, sizeof(path), "/proc/%d/%s", pid, n ? "root/canary-of-the-host" : "cwd/canary-of-the-host");
                if (access(path, F_OK) == 0) printf("HOST %s\n", path);
            }
            if ((is_foreign || is_closed) && ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
                snprintf(path, sizeof(path), "/proc/%d/exe", pid);
                ptrace(PTRACE_INTERRUPT, pid, 0, 0);
                waitpid(pid, 0, __WALL);
                /* Attached: its own code may run by now, which is no one's loss. */
                if (stat(path, &about) == 0 && is_foreign_program(&about)) printf("ATTACHED %d\n", pid);
                ptrace(PTRACE_DETACH, pid, 0, 0);
            }
            fflush(stdout);
        }
        if (proc) closedir(proc);
    }
    return 0;
}

/* writable DIRECTORY ...: regular files below that open for writing. */
static void walk(const char* directory, int depth) {
    DIR* dir = depth < 24 ? opendir(directory) : 0;
    for (struct dirent* e; dir && (e = readdir(dir));) {
        char path[4096];
        struct stat about;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        if (snprintf(path, sizeof(path), "%s/%s", directory, e->d_name) >= (int)sizeof(path)) continue;
        if (lstat(path, &about) < 0) continue;
        if (S_ISDIR(about.st_mode)) {
            /* Processes are the container's own; one of each is enough. */
            const int is_process = !strcmp(directory, "/proc") && e->d_name[0] >= '0' && e->d_name[0] <= '9';
            if (!is_process && strcmp(e->d_name, "task")) walk(path, depth + 1);
        } else if (S_ISREG(about.st_mode)) {
            /* A file that nobody may write to by its mode has nothing that takes what is written. */
            const int fd = about.st_mode & 0222 ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;
            if (fd < 0) continue;
            puts(path);
            close(fd);
        }
    }
    if (dir) closedir(dir);
}

/* devices DIRECTORY: every number is made there and opened. */
static int devices(const char* directory) {
    char path[4096];
    if (chdir(directory) < 0) return 1;
    for (int kind = 0; kind < 2; ++kind) {
        for (unsigned major = 0; major < 512; ++major) {
            /* Opening another terminal or a tape would wait. */
            for (unsigned minor = 0; minor < 260; minor += minor < 16 || minor > 250 ? 1 : 32) {
                snprintf(path, sizeof(path), "node");
                if (mknod(path, (kind ? S_IFBLK : S_IFCHR) | 0666, makedev(major, minor)) < 0) continue;
                const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                /* ENXIO and ENODEV: it was allowed, there is just nothing. */
                if (fd >= 0 || errno == ENXIO || errno == ENODEV) printf("%c %u:%u\n", kind ? 'b' : 'c', major, minor);
                if (fd >= 0) close(fd);
                unlink(path);
            }
        }
    }
    return 0;
}

#ifdef __x86_64__
/* The 32-bit entry, whose pointers must lie below 4 GiB. */
static long int80(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}
#endif

static void report(const char* how, int family, int type, long result, int error) {
    /* Not permitted by the filter; anything else means that the kernel was asked. */
    if (result < 0 && (error == EPERM || error == ENOSYS)) return;
    printf("%s %d %d\n", how, family, type);
    if (result > 2) close((int)result);
}

/* sockets: which families the kernel is asked for, by each way to ask. "way family type", once for each that got through. */
static int sockets(void) {
    int* low = mmap((void*)0x10000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (int family = 0; family < 64; ++family) {
        for (int type = 1; type <= 6; ++type) {
            int pair[2];
            long got = syscall(SYS_socket, family, type, 0);
            report("socket", family, type, got, errno);
            if (type == 1) {
                got = syscall(SYS_socketpair, family, type, 0, pair);
                if (got == 0) close(pair[0]), close(pair[1]);
                report("socketpair", family, type, got ? -1 : 0, errno);
            }
#ifdef __x86_64__
            got = syscall(0x40000000 | SYS_socket, family, type, 0);
            report("x32", family, type, got, errno);
            got = int80(359, family, type, 0);
            report("i386", family, type, got < 0 ? -1 : got, (int)-got);
            if (low == MAP_FAILED) continue;
            low[0] = family, low[1] = type, low[2] = 0;
            got = int80(102, 1, (long)low, 0);
            report("socketcall", family, type, got < 0 ? -1 : got, (int)-got);
#endif
        }
    }
    return 0;
}

/* advertise INTERFACE: router advertisements, as if this were the way to everywhere. */
static int advertise(const char* interface) {
    struct {
        struct nd_router_advert head;
        struct nd_opt_prefix_info prefix;
    } packet = {.head = {.nd_ra_hdr = {.icmp6_type = ND_ROUTER_ADVERT}}};
    packet.head.nd_ra_router_lifetime = htons(1800);
    packet.prefix.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
    packet.prefix.nd_opt_pi_len = 4;
    packet.prefix.nd_opt_pi_prefix_len = 64;
    packet.prefix.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
    packet.prefix.nd_opt_pi_valid_time = packet.prefix.nd_opt_pi_preferred_time = htonl(3600);
    inet_pton(AF_INET6, "2001:db8:bad::", &packet.prefix.nd_opt_pi_prefix);
    const int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    const int hops = 255, index = (int)if_nametoindex(interface);
    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index));
    struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_scope_id = (unsigned)index};
    inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
    int sent = 0;
    for (int i = 0; i < 5; ++i) {
        sent += sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr*)&all, sizeof(all)) == sizeof(packet);
        usleep(100000);
    }
    printf("sent %d\n", sent);
    return 0;
}

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "";
    const char* first = argc > 2 ? argv[2] : "";
    if (!strcmp(what, "swap") && argc > 3) return swap(first, argv[3], argc > 4 ? atof(argv[4]) : 3600);
    if (!strcmp(what, "executables")) return executables(atof(first));
    if (!strcmp(what, "newcomers")) return newcomers(atof(first));
    if (!strcmp(what, "devices")) return devices(first);
    if (!strcmp(what, "sockets")) return sockets();
    if (!strcmp(what, "advertise")) return advertise(first);
    if (!strcmp(what, "writable")) {
        for (int i = 2; i < argc; ++i) walk(argv[i], 0);
        return 0;
    }
    fprintf(stderr, "inside: unknown: %s\n", what);
    return 2;
}
