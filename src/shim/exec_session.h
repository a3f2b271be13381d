#pragma once
#include <functional>
#include <memory>
#include <string>

#include "shim/stdio.h"
#include "sys/process.h"

namespace berth::shim {

/// What Docker's clients show, and look into, when an exec could not start.
std::string exec_failure_text(const Error& error);

/// One more process in the container, with its own streams. It is done when the process has ended
/// and its output was delivered.
class ExecSession {
public:
    ExecSession(EventLoop& loop, const Exec& request, std::string spill_directory,
                std::function<void()> on_detached, std::function<void()> on_idle);

    const std::string& id() const { return id_; }
    pid_t pid() const { return pid_; }
    bool is_running() const { return pid_ != 0; }
    bool is_done() const { return ended_ && stdio_.is_idle(); }

    /// Starts it; `stream` (may be empty) gets the output. A failure is the engine's to tell.
    Result<> start(const Configure& configure, pid_t init, sys::BorrowedFd process_file,
                   sys::Fd stream);
    void process_ended();
    Result<> resize(std::uint16_t rows, std::uint16_t columns) {
        return stdio_.resize(rows, columns);
    }

private:
    std::string id_;
    Attach attach_;
    Stdio stdio_;
    pid_t pid_ = 0;
    bool ended_ = false;
};

}  // namespace berth::shim
