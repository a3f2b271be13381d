#include "shim/init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

// This runs inside the container, as root of nothing: it uses the C library alone and keeps no
// state but a pid.
namespace berth::shim {
namespace {

void say(const char* program, const char* what) {
    const char* parts[] = {"berth-init: ", program, ": ", what, "\n"};
    for (const char* part : parts) {
        if (::write(2, part, ::strlen(part)) < 0) return;
    }
}

// The program leads its own process group and owns the terminal, as it would without an init.
[[noreturn]] void become(char** arguments, const sigset_t& mask) {
    ::setpgid(0, 0);
    ::signal(SIGTTOU, SIG_IGN);
    ::tcsetpgrp(0, ::getpid());
    ::signal(SIGTTOU, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execvp(arguments[0], arguments);
    const int error = errno;
    say(arguments[0], ::strerror(error));
    ::_exit(error == ENOENT ? 127 : 126);
}

int status_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

int init_main(int argument_count, char** arguments) {
    if (argument_count > 0 && ::strcmp(arguments[0], "--") == 0) {
        ++arguments;
        --argument_count;
    }
    if (argument_count == 0) return 2;
    sigset_t all, before;
    ::sigfillset(&all);
    for (const int fault :
         {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU}) {
        ::sigdelset(&all, fault);
    }
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t child = ::fork();
    if (child < 0) return 126;
    if (child == 0) become(arguments, before);
    while (true) {
        siginfo_t info;
        if (::sigwaitinfo(&all, &info) < 0) continue;
        if (info.si_signo != SIGCHLD) {
            ::kill(child, info.si_signo);
            continue;
        }
        int status = 0;
        for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid == child && !WIFSTOPPED(status)) return status_code(status);
        }
    }
}

}  // namespace berth::shim
