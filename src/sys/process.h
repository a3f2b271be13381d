#pragma once
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// How a process ended: an exit code, or the signal that killed it. wait(2).
struct ExitStatus {
    int code = 0;
    int signal = 0;
    bool core_dumped = false;

    static ExitStatus from_wait_status(int status);
    bool is_success() const { return code == 0 && signal == 0; }
    /// What a shell reports: the code, or 128 + the signal.
    int shell_code() const { return signal != 0 ? 128 + signal : code; }
};

/// A handle of one process that is not reused with its number. Readable (poll) once the process
/// ended. pidfd_open(2).
class Pidfd {
public:
    Pidfd() = default;
    explicit Pidfd(Fd fd) : fd_(std::move(fd)) {}
    /// Fails with NotFound if there is no such process.
    static Result<Pidfd> open(pid_t pid);

    BorrowedFd fd() const { return fd_; }
    const Fd& owner() const { return fd_; }
    explicit operator bool() const { return static_cast<bool>(fd_); }
    /// Fails with NotFound once the process was reaped.
    Result<> send_signal(int signal) const;
    /// Waits until the process ended; false when the limit passed first. Does not reap.
    Result<bool> wait_exited(std::optional<std::chrono::milliseconds> limit = {}) const;
    /// Blocks until the process, a child of ours, ends, and reaps it.
    Result<ExitStatus> wait() const;
    /// The same without blocking: nullopt while it runs.
    Result<std::optional<ExitStatus>> try_wait() const;

private:
    Fd fd_;
};

/// A child process. Dropping it neither kills nor reaps it.
struct Child {
    pid_t pid = -1;
    Pidfd pidfd;
};

/// A descriptor of ours as the new program will see it.
struct FdMapping {
    int target;
    int source;
};

struct SpawnRequest {
    std::string path;  ///< never looked up in PATH; "/proc/self/fd/N" runs an open descriptor
    std::vector<std::string> arguments;    ///< including argv[0]
    std::vector<std::string> environment;  ///< exactly this, nothing inherited
    std::vector<FdMapping>
        fds;  ///< everything else must be close-on-exec; 0, 1, 2 not named here are inherited
    std::string working_directory;  ///< empty: ours
    bool new_session = false;
};

/// Starts a program with an empty signal mask and default dispositions. posix_spawn(3); safe with
/// threads.
Result<Child> spawn(const SpawnRequest& request);

struct CloneRequest {
    std::uint64_t flags = 0;  ///< CLONE_NEW*, CLONE_PARENT; the memory is always copied (fork)
    int cgroup = -1;          ///< directory of a v2 cgroup to be born in (CLONE_INTO_CGROUP)
};

/// fork(2) with namespaces: returns pid 0 in the child. Only for single-threaded processes.
/// clone3(2).
Result<Child> clone_process(const CloneRequest& request);

/// Sends a signal to a whole process group, such as a child made with new_session and its children.
/// kill(2).
Result<> signal_group(pid_t leader, int signal);
/// Reaps one child of ours by number.
Result<ExitStatus> wait_pid(pid_t pid);
/// What /proc/<pid>/stat tells. proc(5).
struct ProcessStat {
    char state = '?';  ///< 'R', 'S', 'D', 'T', 'Z' ...
    pid_t parent = 0;
    std::uint64_t start_time =
        0;  ///< clock ticks since boot; with its pid it names the process for good
};
/// NotFound when there is no such process.
Result<ProcessStat> process_stat(pid_t pid);
/// Makes this process adopt orphaned descendants. prctl(2) PR_SET_CHILD_SUBREAPER.
Result<> become_subreaper();
/// Hides memory, descriptors and the executable of this process from unprivileged tracers. prctl(2)
/// PR_SET_DUMPABLE.
Result<> make_undumpable();
/// Marks every descriptor from `first` on close-on-exec. close_range(2).
Result<> close_on_exec_from(int first);

}  // namespace berth::sys
