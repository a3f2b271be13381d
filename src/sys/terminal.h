#pragma once
#include <termios.h>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

struct WindowSize {
    unsigned short columns = 0;
    unsigned short rows = 0;
};

/// Both ends of a pseudo terminal. The slave end comes from the master's descriptor (TIOCGPTPEER),
/// never from a path, so nothing in a container's /dev can redirect it. pty(7), ioctl_tty(2).
struct Pty {
    Fd master;
    Fd slave;
};

/// A pty of this process's own devpts.
Result<Pty> open_pty();
/// A pty of the devpts whose root (or directory with `ptmx` in it) is `devpts`; refuses anything
/// that is no ptmx.
Result<Pty> open_pty_at(BorrowedFd devpts);
Result<> set_window_size(BorrowedFd terminal, WindowSize size);
Result<WindowSize> window_size(BorrowedFd terminal);
bool is_terminal(BorrowedFd fd);
/// Makes `slave` the controlling terminal of this process, in a new session.
Result<> acquire_terminal(BorrowedFd slave);

/// Raw mode for as long as it lives; the former settings come back on destruction. termios(3).
class RawMode {
public:
    static Result<RawMode> enter(BorrowedFd terminal);
    RawMode(RawMode&& other) noexcept;
    RawMode& operator=(RawMode&&) = delete;
    ~RawMode();

private:
    RawMode(int fd, const termios& saved) : fd_(fd), saved_(saved) {}
    int fd_;
    termios saved_;
};

}  // namespace berth::sys
