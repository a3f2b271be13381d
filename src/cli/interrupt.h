#pragma once
#include <csignal>
#include <memory>
#include <stop_token>

namespace berth::cli {

/// Turns Ctrl-C (SIGINT), SIGTERM and SIGHUP into a stop request while it lives; a second signal
/// ends the process at once. Make it before other threads are started, so that they inherit the
/// blocked mask and the signals arrive here. Several that live at the same time (a command that
/// calls another one) are stopped together.
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    std::stop_token token() const;
    /// What a process ends with that stopped because of the signal: 130 for Ctrl-C, 143 for
    /// SIGTERM.
    static int exit_code();
    bool is_requested() const { return token().stop_requested(); }

private:
    class Waiter;
    sigset_t before_;
    std::shared_ptr<Waiter> waiter_;
};

}  // namespace berth::cli
