#include "sys/signal.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace berth::sys {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) sigaddset(&set, signal);
    return set;
}

Result<Fd> block_and_open(const sigset_t& set) {
    if (sigprocmask(SIG_BLOCK, &set, nullptr) < 0) return Error::from_errno("sigprocmask", errno);
    Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return Error::from_errno("signalfd", errno);
    return fd;
}

}  // namespace

Result<Fd> block_and_open_signalfd(std::initializer_list<int> signals) {
    return block_and_open(set_of(signals));
}

Result<Fd> block_all_and_open_signalfd() {
    sigset_t set;
    sigfillset(&set);
    for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS})
        sigdelset(&set, fault);
    return block_and_open(set);
}

Result<std::optional<signalfd_siginfo>> read_signal(BorrowedFd signalfd) {
    signalfd_siginfo info;
    const ssize_t size = ::read(signalfd.get(), &info, sizeof(info));
    if (size == sizeof(info)) return std::optional(info);
    if (errno == EAGAIN || errno == EINTR) return std::optional<signalfd_siginfo>();
    return Error::from_errno("read", errno);
}

Result<> block_signals(std::initializer_list<int> signals) {
    const sigset_t set = set_of(signals);
    if (sigprocmask(SIG_BLOCK, &set, nullptr) < 0) return Error::from_errno("sigprocmask", errno);
    return {};
}

void reset_signals() {
    // Only ignored signals survive exec; asking costs the same as setting, so all are simply set.
    for (int signal = 1; signal < NSIG; ++signal) {
        if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<> send_signal(pid_t pid, int signal) {
    if (::kill(pid, signal) < 0) return Error::from_errno("kill", errno);
    return {};
}

std::optional<int> parse_signal(std::string_view text) {
    if (const auto number = parse_int(text)) {
        if (*number < 1 || *number > SIGRTMAX) return std::nullopt;
        return static_cast<int>(*number);
    }
    std::string name = to_upper(text);
    if (name.starts_with("SIG")) name.erase(0, 3);
    if (name.starts_with("RTMIN") || name.starts_with("RTMAX")) {
        const int base = name.starts_with("RTMIN") ? SIGRTMIN : SIGRTMAX;
        const std::string_view offset = std::string_view(name).substr(5);
        if (offset.empty()) return base;
        const auto number = parse_int(offset.starts_with('+') ? offset.substr(1) : offset);
        if (!number || base + *number < SIGRTMIN || base + *number > SIGRTMAX) return std::nullopt;
        return base + static_cast<int>(*number);
    }
    if (name == "IOT") return SIGABRT;
    if (name == "CLD") return SIGCHLD;
    for (int signal = 1; signal < 32; ++signal) {
        const char* abbreviation = sigabbrev_np(signal);
        if (abbreviation && name == abbreviation) return signal;
    }
    return std::nullopt;
}

std::string signal_name(int signal) {
    if (const char* abbreviation = sigabbrev_np(signal)) return concat("SIG", abbreviation);
    if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
        return signal == SIGRTMIN ? std::string("SIGRTMIN")
                                  : concat("SIGRTMIN+", signal - SIGRTMIN);
    }
    return std::to_string(signal);
}

}  // namespace berth::sys
