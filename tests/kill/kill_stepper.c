// Kills a program at the entry of its N-th system call, so that a test can end it at every point where the world sees what it
// does. ptrace(2), Linux only.
//
//   kill_stepper [-p PID]... -n NAME [-k POINT] [-g MILLISECONDS] -- COMMAND...
//
// Runs COMMAND while it follows it, the processes PID with all their threads, and everything these start, and counts the system calls
// of those whose first argument is called NAME. At call number POINT it sends SIGKILL to the process that makes it. Other
// programs are let go when they are executed. Counting goes on for MILLISECONDS after COMMAND has ended. The last line of
// standard error is "points N", or "killed at N PID CALL" with the call's number; the status is COMMAND's.
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_tasks = 4096 };

struct task {
    pid_t id;
    int is_in_call;  // the next system call stop is the call's end
    int is_known;    // whether its program has been looked at
    int counts;      // ... and is called NAME
};

static struct task tasks[most_tasks];
static const char *name;
static long kill_at, points, killed_call = -1;
static pid_t killed_process;

static void die(const char *what) {
    perror(what);
    exit(125);
}

static struct task *task_of(pid_t id) {
    struct task *unused = NULL;
    for (int i = 0; i < most_tasks; ++i) {
        if (tasks[i].id == id) return &tasks[i];
        if (!tasks[i].id && !unused) unused = &tasks[i];
    }
    if (!unused) {
        fprintf(stderr, "kill_stepper: too many tasks\n");
        exit(125);
    }
    memset(unused, 0, sizeof *unused);
    unused->id = id;
    return unused;
}

// The last component of the first argument: what /proc/PID/exe says of a program on a detached mount is only "/".
static void program(pid_t id, char *out, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", id);
    out[0] = 0;
    FILE *file = fopen(path, "r");
    if (!file) return;
    out[fread(out, 1, size - 1, file)] = 0;
    fclose(file);
    char *slash = strrchr(out, '/');
    if (slash) memmove(out, slash + 1, strlen(slash + 1) + 1);
}

static pid_t process_of(pid_t id) {
    char path[64], line[256];
    pid_t process = id;
    snprintf(path, sizeof path, "/proc/%d/status", id);
    FILE *file = fopen(path, "r");
    if (!file) return id;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Tgid: %d", &process) == 1) break;
    fclose(file);
    return process;
}

static const int options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;

static void seize_process(pid_t process) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *threads = opendir(path);
    if (!threads) die(path);
    struct dirent *entry;
    while ((entry = readdir(threads))) {
        const pid_t id = atoi(entry->d_name);
        if (id <= 0 || ptrace(PTRACE_SEIZE, id, 0, options)) continue;
        task_of(id);
        ptrace(PTRACE_INTERRUPT, id, 0, 0);
    }
    closedir(threads);
}

static long call_number(pid_t id) {
    struct user_regs_struct registers;
    struct iovec piece = {&registers, sizeof registers};
    if (ptrace(PTRACE_GETREGSET, id, NT_PRSTATUS, &piece)) return -1;
    return (long)registers.orig_rax;
}

static void count_call(struct task *task) {
    if (!task->is_known) {
        char found[4096];
        program(task->id, found, sizeof found);
        task->is_known = 1;
        task->counts = !strcmp(found, name);
    }
    if (!task->counts) return;
    ++points;
    if (!kill_at || points != kill_at) return;
    killed_call = call_number(task->id);
    killed_process = process_of(task->id);
    kill(killed_process, SIGKILL);
}

// One of ours goes on being followed after execve(2), another program does not.
static int is_ours(pid_t id) {
    char found[4096];
    program(id, found, sizeof found);
    return !strcmp(found, name) || !strncmp(found, "berth", 5);
}

static void handle_stop(pid_t id, int status) {
    struct task *task = task_of(id);
    const int signal = WSTOPSIG(status), event = status >> 16;
    if (signal == (SIGTRAP | 0x80)) {
        task->is_in_call = !task->is_in_call;
        if (task->is_in_call) count_call(task);
        ptrace(PTRACE_SYSCALL, id, 0, 0);
        return;
    }
    if (event == PTRACE_EVENT_EXEC) {
        task->is_known = 0;
        if (!is_ours(id)) {
            task->id = 0;
            ptrace(PTRACE_DETACH, id, 0, 0);
            return;
        }
        // The end of execve itself comes next.
        task->is_in_call = 1;
        ptrace(PTRACE_SYSCALL, id, 0, 0);
        return;
    }
    if (event == PTRACE_EVENT_STOP) {
        const int is_group_stop = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
        ptrace(is_group_stop ? PTRACE_LISTEN : PTRACE_SYSCALL, id, 0, 0);
        return;
    }
    ptrace(PTRACE_SYSCALL, id, 0, event ? 0 : signal);
}

static void on_alarm(int signal) { (void)signal; }

int main(int argc, char **argv) {
    pid_t attached[16];
    int attached_count = 0;
    long grace = 0;
    int option;
    while ((option = getopt(argc, argv, "+p:n:k:g:")) != -1) {
        if (option == 'p' && attached_count < 16) attached[attached_count++] = atoi(optarg);
        else if (option == 'n') name = optarg;
        else if (option == 'k') kill_at = atol(optarg);
        else if (option == 'g') grace = atol(optarg);
        else return 125;
    }
    if (!name || optind >= argc) {
        fprintf(stderr, "usage: kill_stepper [-p PID]... -n NAME [-k POINT] [-g MILLISECONDS] -- COMMAND...\n");
        return 125;
    }
    struct sigaction action = {.sa_handler = on_alarm};  // without SA_RESTART: it ends waitpid
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < attached_count; ++i) seize_process(attached[i]);
    const pid_t command = fork();
    if (command < 0) die("fork");
    if (command == 0) {
        raise(SIGSTOP);
        execvp(argv[optind], argv + optind);
        perror(argv[optind]);
        _exit(127);
    }
    int status, result = -1;
    waitpid(command, &status, WUNTRACED);
    if (ptrace(PTRACE_SEIZE, command, 0, options)) die("PTRACE_SEIZE");
    task_of(command);
    kill(command, SIGCONT);
    for (;;) {
        const pid_t id = waitpid(-1, &status, __WALL);
        if (id < 0 && errno == EINTR && result >= 0) break;  // the grace is over
        if (id < 0 && errno == EINTR) continue;
        if (id < 0) break;
        if (WIFSTOPPED(status)) {
            handle_stop(id, status);
            continue;
        }
        task_of(id)->id = 0;
        if (id != command) continue;
        result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (!grace) break;
        // Again and again: one that comes outside of waitpid ends nothing.
        const struct itimerval timer = {.it_value = {grace / 1000, grace % 1000 * 1000}, .it_interval = {0, 10000}};
        setitimer(ITIMER_REAL, &timer, NULL);
    }
    if (killed_process) fprintf(stderr, "killed at %ld %d %ld\n", kill_at, killed_process, killed_call);
    else fprintf(stderr, "points %ld\n", points);
    return result < 0 ? 125 : result;
}
