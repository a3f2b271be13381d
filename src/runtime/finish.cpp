#include "runtime/finish.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/identity.h"
#include "runtime/in_root.h"
#include "runtime/program.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/mount.h"

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

namespace {

bool is_null_device(sys::BorrowedFd fd) {
    struct stat status;
    return ::fstat(fd.get(), &status) == 0 && S_ISCHR(status.st_mode) &&
           status.st_rdev == makedev(1, 3);
}

// Looked at before it is opened, as a device may act on being opened, and after, as it may have
// been exchanged.
Result<sys::Fd> open_null_in(sys::BorrowedFd dev) {
    const sys::Fd node = TRY(sys::openat(dev, "null", O_PATH | O_NOFOLLOW));
    if (!is_null_device(node)) return fail(ErrorCode::PermissionDenied, "null is another thing");
    sys::Fd file = TRY(sys::openat(dev, "null", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!is_null_device(file)) return fail(ErrorCode::PermissionDenied, "null is another thing");
    if (::fcntl(file.get(), F_SETFL, 0) < 0) return Error::from_errno("fcntl(F_SETFL)", errno);
    return file;
}

Result<sys::Fd> make_null() {
    const sys::DetachedMount memory = TRY(sys::make_mount(
        "tmpfs", {{.key = "size", .value = "4k"}, {.key = "nr_inodes", .value = "2"}}));
    TRY(sys::mknod_at(memory.fd(), "null", S_IFCHR | 0666, makedev(1, 3)));
    sys::Fd file = TRY(sys::openat(memory.fd(), "null", O_RDWR | O_NOFOLLOW));
    TRY(sys::fchmod(file, 0666));
    return file;
}

// Whoever holds a descriptor may change the mode and the owner of what it refers to, if he has the
// right. The host's own node, given to root of a container, could be closed to everyone.
Result<sys::Fd> open_null(sys::BorrowedFd dev, sys::BorrowedFd hosts_null) {
    if (auto inside = open_null_in(dev)) return inside;
    if (auto made = make_null()) return made;
    return sys::duplicate(hosts_null);
}

}  // namespace

Result<> take_streams(const StandardStreams& streams, sys::BorrowedFd dev,
                      sys::BorrowedFd hosts_null) {
    // Sources may be among 0, 1 and 2 themselves, in any order, so they move out of the way first.
    std::array<sys::Fd, 3> sources;
    sys::Fd null;
    for (std::size_t i = 0; i < 3; ++i) {
        const bool wants_null = streams[i] < 0 || is_null_device(sys::BorrowedFd(streams[i]));
        if (!wants_null && streams[i] == static_cast<int>(i)) continue;
        if (wants_null && !null) null = TRY(open_null(dev, hosts_null));
        sources[i] = sys::Fd(::fcntl(wants_null ? null.get() : streams[i], F_DUPFD_CLOEXEC, 3));
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
