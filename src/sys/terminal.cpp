#include "sys/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

namespace berth::sys {
namespace {

Result<Fd> open_slave(BorrowedFd master) {
    const int unlocked = 0;
    if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) < 0)
        return Error::from_errno("ioctl(TIOCSPTLCK)", errno);
    Fd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave) return Error::from_errno("ioctl(TIOCGPTPEER)", errno);
    return slave;
}

}  // namespace

Result<Pty> open_pty() {
    Fd master(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!master) return Error::from_errno("open", errno).with_context("/dev/ptmx");
    Fd slave = TRY(open_slave(master));
    return Pty{.master = std::move(master), .slave = std::move(slave)};
}

Result<Pty> open_pty_at(BorrowedFd devpts) {
    Fd node(::openat(devpts.get(), "ptmx", O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!node) return Error::from_errno("openat", errno).with_context("ptmx");
    struct stat status;
    struct statfs file_system;
    if (::fstat(node.get(), &status) < 0) return Error::from_errno("fstat", errno);
    if (::fstatfs(node.get(), &file_system) < 0) return Error::from_errno("fstatfs", errno);
    // A container can put anything at this name; only the multiplexer of a devpts makes terminals.
    if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(5, 2) ||
        file_system.f_type != DEVPTS_SUPER_MAGIC)
        return fail(ErrorCode::PermissionDenied, "ptmx is not a pseudo terminal multiplexer");
    Fd master(::openat(devpts.get(), "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC));
    if (!master) return Error::from_errno("openat", errno).with_context("ptmx");
    if (::fstatfs(master.get(), &file_system) < 0) return Error::from_errno("fstatfs", errno);
    if (file_system.f_type != DEVPTS_SUPER_MAGIC)
        return fail(ErrorCode::PermissionDenied, "ptmx is not a pseudo terminal multiplexer");
    Fd slave = TRY(open_slave(master));
    return Pty{.master = std::move(master), .slave = std::move(slave)};
}

Result<> set_window_size(BorrowedFd terminal, WindowSize size) {
    const winsize value{
        .ws_row = size.rows, .ws_col = size.columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::ioctl(terminal.get(), TIOCSWINSZ, &value) < 0)
        return Error::from_errno("ioctl(TIOCSWINSZ)", errno);
    return {};
}

Result<WindowSize> window_size(BorrowedFd terminal) {
    winsize value{};
    if (::ioctl(terminal.get(), TIOCGWINSZ, &value) < 0)
        return Error::from_errno("ioctl(TIOCGWINSZ)", errno);
    return WindowSize{.columns = value.ws_col, .rows = value.ws_row};
}

bool is_terminal(BorrowedFd fd) { return ::isatty(fd.get()) == 1; }

Result<> acquire_terminal(BorrowedFd slave) {
    // EPERM: already a session leader, which is what is wanted.
    if (::setsid() < 0 && errno != EPERM) return Error::from_errno("setsid", errno);
    if (::ioctl(slave.get(), TIOCSCTTY, 0) < 0) return Error::from_errno("ioctl(TIOCSCTTY)", errno);
    return {};
}

Result<RawMode> RawMode::enter(BorrowedFd terminal) {
    termios saved{};
    if (::tcgetattr(terminal.get(), &saved) < 0) return Error::from_errno("tcgetattr", errno);
    termios raw = saved;
    ::cfmakeraw(&raw);
    if (::tcsetattr(terminal.get(), TCSANOW, &raw) < 0)
        return Error::from_errno("tcsetattr", errno);
    return RawMode(terminal.get(), saved);
}

RawMode::RawMode(RawMode&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), saved_(other.saved_) {}

RawMode::~RawMode() {
    if (fd_ >= 0) ::tcsetattr(fd_, TCSANOW, &saved_);
}

}  // namespace berth::sys
