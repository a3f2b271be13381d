#include "runtime/finish.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/identity.h"
#include "runtime/in_root.h"
#include "runtime/program.h"
#include "sys/file.h"

namespace berth::runtime {

Result<> take_terminal(const sys::Pty& pty, const oci::RuntimeProcess& process) {
    if (process.console_columns && process.console_rows)
        TRY(sys::set_window_size(pty.master,
                                 {.columns = static_cast<unsigned short>(process.console_columns),
                                  .rows = static_cast<unsigned short>(process.console_rows)}));
    TRY(sys::acquire_terminal(pty.slave));
    // EPERM, EINVAL: a user without a place in this user namespace cannot own a terminal, and need
    // not.
    if (::fchown(pty.slave.get(), process.user.uid, static_cast<gid_t>(-1)) < 0 && errno != EPERM &&
        errno != EINVAL)
        return Error::from_errno("fchown", errno).with_context("terminal");
    for (int target = 0; target <= 2; ++target) {
        if (::dup2(pty.slave.get(), target) < 0) return Error::from_errno("dup2", errno);
    }
    return {};
}

Result<> take_streams(const StandardStreams& streams, sys::BorrowedFd null) {
    // Sources may be among 0, 1 and 2 themselves, in any order, so they move out of the way first.
    std::array<sys::Fd, 3> sources;
    for (std::size_t i = 0; i < 3; ++i) {
        if (streams[i] == static_cast<int>(i)) continue;
        const int source = streams[i] >= 0 ? streams[i] : null.get();
        sources[i] = sys::Fd(::fcntl(source, F_DUPFD_CLOEXEC, 3));
        if (!sources[i]) return Error::from_errno("fcntl(F_DUPFD_CLOEXEC)", errno);
    }
    for (std::size_t i = 0; i < 3; ++i) {
        if (sources[i] && ::dup2(sources[i].get(), static_cast<int>(i)) < 0)
            return Error::from_errno("dup2", errno);
    }
    return {};
}

Result<std::string> enter_as_user(const oci::RuntimeProcess& process, bool has_seccomp,
                                  bool make_directory) {
    if (make_directory && process.cwd != "/") {
        const sys::Fd root = TRY(sys::open("/", O_PATH | O_DIRECTORY));
        auto made = ensure_directory(root, process.cwd);
        // On a read-only root the directory is there or it is not; enter_directory() has the words
        // for that.
        std::move(made).ignore("entering it tells");
    }
    const Result<> entered = enter_directory(process.cwd);
    // Root is no one special on some network file systems: there the user gets in where root does
    // not.
    const bool retry = entered.is_error() && entered.error().error_number() == 0 &&
                       entered.error().is(ErrorCode::PermissionDenied) && process.user.uid != 0;
    if (entered.is_error() && !retry) return entered.error().clone();
    if (!process.terminal) own_streams(process);
    TRY(become_user(process, has_seccomp));
    if (retry) TRY(enter_directory(process.cwd));
    return find_program(process.args.front(), process.env);
}

}  // namespace berth::runtime
