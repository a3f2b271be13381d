// The least the kernel has to do for a container: what `berth run` is measured against.
//
//   kernel_floor LOWER SCRATCH PROGRAM [ARGUMENT...]
//
// New namespaces of every kind but user (clone3), an overlay over LOWER with its upper directory in SCRATCH, a fresh proc,
// pivot_root into it, exec. No cgroup, no device, no seccomp filter, no link, no log, no state: nobody can be faster and
// still run the program in namespaces and on a root of its own.
#define _GNU_SOURCE
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void need(long result, const char* what) {
    if (result >= 0) return;
    perror(what);
    _exit(125);
}

static void enter(const char* lower, const char* scratch) {
    char options[4096], upper[1024], work[1024], root[1024];
    snprintf(upper, sizeof(upper), "%s/upper", scratch);
    snprintf(work, sizeof(work), "%s/work", scratch);
    snprintf(root, sizeof(root), "%s/root", scratch);
    snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work);
    need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount /");
    need(mount("overlay", root, "overlay", 0, options), "mount overlay");
    need(chdir(root), "chdir");
    mkdir("proc", 0755);
    need(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount proc");
    need(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    need(umount2(".", MNT_DETACH), "umount");
    need(chdir("/"), "chdir /");
}

int main(int count, char** arguments) {
    if (count < 4) return fprintf(stderr, "usage: kernel_floor LOWER SCRATCH PROGRAM [ARGUMENT...]\n"), 2;
    const char* names[] = {"upper", "work", "root"};
    for (int i = 0; i < 3; ++i) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", arguments[2], names[i]);
        mkdir(path, 0755);
    }
    struct clone_args clone = {.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
                               .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &clone, sizeof(clone));
    need(child, "clone3");
    if (child == 0) {
        enter(arguments[1], arguments[2]);
        execv(arguments[3], arguments + 3);
        need(-1, arguments[3]);
    }
    int status = 0;
    need(waitpid((pid_t)child, &status, 0), "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
