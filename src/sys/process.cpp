#include "sys/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

namespace berth::sys {

ExitStatus ExitStatus::from_wait_status(int status) {
    if (WIFSIGNALED(status))
        return {.code = 0, .signal = WTERMSIG(status), .core_dumped = WCOREDUMP(status) != 0};
    return {.code = WEXITSTATUS(status)};
}

Result<Pidfd> Pidfd::open(pid_t pid) {
    const long fd = syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) return Error::from_errno("pidfd_open", errno);
    return Pidfd(Fd(static_cast<int>(fd)));
}

Result<> Pidfd::send_signal(int signal) const {
    if (syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0) < 0)
        return Error::from_errno("pidfd_send_signal", errno);
    return {};
}

Result<bool> Pidfd::wait_exited(std::optional<std::chrono::milliseconds> limit) const {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + limit.value_or(std::chrono::milliseconds(0));
    for (;;) {
        pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
        int timeout = -1;
        if (limit) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
            timeout = static_cast<int>(std::max<std::int64_t>(0, left.count()));
        }
        const int count = poll(&entry, 1, timeout);
        if (count > 0) return true;
        if (count == 0) return false;
        if (errno != EINTR) return Error::from_errno("poll", errno);
    }
}

namespace {

constexpr auto wait_by_pidfd = static_cast<idtype_t>(3);  // P_PIDFD, in newer headers

ExitStatus status_of(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return {.code = info.si_status};
    return {.code = 0, .signal = info.si_status, .core_dumped = info.si_code == CLD_DUMPED};
}

}  // namespace

Result<ExitStatus> Pidfd::wait() const {
    siginfo_t info{};
    while (waitid(wait_by_pidfd, static_cast<id_t>(fd_.get()), &info, WEXITED) < 0) {
        if (errno != EINTR) return Error::from_errno("waitid", errno);
    }
    return status_of(info);
}

Result<std::optional<ExitStatus>> Pidfd::try_wait() const {
    siginfo_t info{};
    if (waitid(wait_by_pidfd, static_cast<id_t>(fd_.get()), &info, WEXITED | WNOHANG) < 0)
        return Error::from_errno("waitid", errno);
    if (info.si_pid == 0) return std::optional<ExitStatus>();
    return std::optional(status_of(info));
}

namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

// A mapping's source may be the target of another mapping, so all sources move above every target
// first.
Result<std::vector<Fd>> lift_sources(const std::vector<FdMapping>& mappings) {
    int highest = 2;
    for (const auto& mapping : mappings) highest = std::max(highest, mapping.target);
    std::vector<Fd> lifted;
    for (const auto& mapping : mappings) {
        const int fd = fcntl(mapping.source, F_DUPFD_CLOEXEC, highest + 1);
        if (fd < 0) return Error::from_errno("fcntl(F_DUPFD_CLOEXEC)", errno);
        lifted.emplace_back(fd);
    }
    return lifted;
}

}  // namespace

Result<Child> spawn(const SpawnRequest& request) {
    const auto sources = TRY(lift_sources(request.fds));
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (std::size_t i = 0; i < sources.size(); ++i)
        posix_spawn_file_actions_adddup2(&actions, sources[i].get(), request.fds[i].target);
    if (!request.working_directory.empty())
        posix_spawn_file_actions_addchdir_np(&actions, request.working_directory.c_str());
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (request.new_session) flags |= POSIX_SPAWN_SETSID;
    posix_spawnattr_setflags(&attributes, static_cast<short>(flags));

    const auto arguments = pointers_to(request.arguments);
    const auto environment = pointers_to(request.environment);
    pid_t pid = -1;
    const int error = posix_spawn(&pid, request.path.c_str(), &actions, &attributes,
                                  arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return Error::from_errno("posix_spawn", error).with_context(request.path);
    Child child{.pid = pid, .pidfd = {}};
    child.pidfd = TRY(Pidfd::open(pid));
    return child;
}

Result<Child> clone_process(const CloneRequest& request) {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = request.flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    // With CLONE_PARENT the kernel takes the exit signal from the caller and refuses one here.
    arguments.exit_signal = (request.flags & CLONE_PARENT) ? 0 : SIGCHLD;
    if (request.cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(request.cgroup);
    }
    const long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid < 0) return Error::from_errno("clone3", errno);
    if (pid == 0) return Child{.pid = 0, .pidfd = {}};
    return Child{.pid = static_cast<pid_t>(pid), .pidfd = Pidfd(Fd(pidfd))};
}

Result<> signal_group(pid_t leader, int signal) {
    if (::kill(-leader, signal) < 0) return Error::from_errno("kill", errno);
    return {};
}

Result<ExitStatus> wait_pid(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return Error::from_errno("waitpid", errno);
    }
    return ExitStatus::from_wait_status(status);
}

Result<ProcessStat> process_stat(pid_t pid) {
    const Fd file(::open(concat("/proc/", pid, "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return Error::from_errno("open", errno).with_context(concat("/proc/", pid, "/stat"));
    char buffer[1024];
    const ssize_t size = ::read(file.get(), buffer, sizeof(buffer));
    if (size < 0)
        return Error::from_errno("read", errno).with_context(concat("/proc/", pid, "/stat"));
    // The second field is the program's name in parentheses and may hold anything, so fields count
    // from the last ')'.
    std::string_view text(buffer, static_cast<std::size_t>(size));
    const auto end_of_name = text.rfind(')');
    const auto fields = split(text.substr(std::min(text.size(), end_of_name + 2)), ' ');
    constexpr std::size_t start_time_field = 22 - 3;
    if (end_of_name == std::string_view::npos || fields.size() <= start_time_field ||
        fields[0].size() != 1)
        return fail(ErrorCode::Corrupted, "/proc/", pid, "/stat is not as expected");
    return ProcessStat{.state = fields[0][0],
                       .parent = static_cast<pid_t>(parse_int(fields[1]).value_or(0)),
                       .start_time = parse_uint(fields[start_time_field]).value_or(0)};
}

Result<> become_subreaper() {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return Error::from_errno("prctl(PR_SET_CHILD_SUBREAPER)", errno);
    return {};
}

Result<> make_undumpable() {
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return Error::from_errno("prctl(PR_SET_DUMPABLE)", errno);
    return {};
}

Result<> close_on_exec_from(int first) {
    if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return Error::from_errno("close_range", errno);
    return {};
}

}  // namespace berth::sys
