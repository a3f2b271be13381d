#include "runtime/command/foreground.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "base/text.h"
#include "sys/dir.h"
#include "sys/epoll.h"
#include "sys/file.h"
#include "sys/signal.h"
#include "sys/socket.h"
#include "sys/terminal.h"

namespace berth::runtime {

Result<> write_pid_file(const std::string& path, pid_t pid) {
    if (path.empty()) return {};
    const std::string aside = path + ".new";
    const sys::Fd file = TRY(sys::open(aside, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    TRY(sys::write_all(file, std::string_view(std::to_string(pid))));
    return sys::rename(aside, path);
}

Result<> send_terminal(const std::string& path, sys::BorrowedFd terminal) {
    const sys::Fd socket = TRY(sys::connect_unix(path).context("console socket"));
    const int fds[] = {terminal.get()};
    return sys::send_message(socket, std::string_view("/dev/ptmx"), fds);
}

void adopt_window_size(oci::RuntimeProcess& process) {
    if (!process.terminal || process.console_columns || !sys::is_terminal(STDIN_FILENO)) return;
    const auto size = sys::window_size(STDIN_FILENO);
    if (size.is_error()) return;
    process.console_columns = size->columns;
    process.console_rows = size->rows;
}

Result<sys::Fd> open_signals() {
    return sys::block_and_open_signalfd(
        {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH, SIGALRM});
}

namespace {

enum Source : std::uint64_t { Signals, Exit, Master, Input };

// Copies what is there, once; false at the end of either side.
bool copy_some(int from, int to) {
    std::array<std::byte, 16384> buffer;
    const auto size = sys::read(from, buffer);
    if (size.is_error() || *size == 0) return false;
    return !sys::write_all(to, std::span(buffer).first(*size)).is_error();
}

class Forwarder {
public:
    Forwarder(const Launched& launched, sys::BorrowedFd signals, sys::Fd terminal)
        : launched_(launched), signals_(signals), terminal_(std::move(terminal)) {}

    Result<sys::ExitStatus> run() {
        auto poll = TRY(sys::Epoll::create());
        TRY(poll.add(signals_, EPOLLIN, Signals));
        TRY(poll.add(launched_.pidfd().fd(), EPOLLIN, Exit));
        if (terminal_) TRY(attach_terminal(poll));
        for (;;) {
            std::array<epoll_event, 4> events;
            const std::size_t count = TRY(poll.wait(events));
            for (std::size_t i = 0; i < count; ++i) {
                if (events[i].data.u64 == Exit) return finish();
                TRY(handle(events[i].data.u64, poll));
            }
        }
    }

private:
    Result<> attach_terminal(sys::Epoll& poll) {
        TRY(poll.add(terminal_, EPOLLIN, Master));
        if (!sys::is_terminal(STDIN_FILENO)) {
            poll.add(STDIN_FILENO, EPOLLIN, Input)
                .ignore("a regular file cannot be waited for: no input then");
            return {};
        }
        copy_window_size();
        raw_.emplace(TRY(sys::RawMode::enter(STDIN_FILENO)));
        return poll.add(STDIN_FILENO, EPOLLIN, Input);
    }

    void copy_window_size() {
        const auto size = sys::window_size(STDIN_FILENO);
        if (size && terminal_)
            sys::set_window_size(terminal_, *size).ignore("the terminal is closing");
    }

    Result<> handle(std::uint64_t source, sys::Epoll& poll) {
        if (source == Signals) return forward_signal();
        if (source == Master && !copy_some(terminal_.get(), STDOUT_FILENO))
            return poll.remove(terminal_);
        if (source == Input && !copy_some(STDIN_FILENO, terminal_.get()))
            return poll.remove(STDIN_FILENO);
        return {};
    }

    Result<> forward_signal() {
        const auto info = TRY(sys::read_signal(signals_));
        if (!info) return {};
        if (info->ssi_signo == SIGWINCH) {
            copy_window_size();
        } else {
            launched_.pidfd()
                .send_signal(static_cast<int>(info->ssi_signo))
                .ignore("it has just ended");
        }
        return {};
    }

    Result<sys::ExitStatus> finish() {
        if (terminal_) {
            sys::set_nonblocking(terminal_).ignore("then nothing is left to drain");
            while (copy_some(terminal_.get(), STDOUT_FILENO)) {
            }
        }
        return launched_.pidfd().wait();
    }

    const Launched& launched_;
    sys::BorrowedFd signals_;
    sys::Fd terminal_;
    std::optional<sys::RawMode> raw_;
};

}  // namespace

Result<sys::ExitStatus> forward_until_exit(const Launched& launched, sys::BorrowedFd signals,
                                           sys::Fd terminal) {
    return Forwarder(launched, signals, std::move(terminal)).run();
}

}  // namespace berth::runtime
