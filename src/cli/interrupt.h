#pragma once
#include <csignal>
#include <functional>
#include <stop_token>
#include <thread>

namespace berth::cli {

/// Turns Ctrl-C (SIGINT), SIGTERM and SIGHUP into a stop request while it lives; a second signal ends the process at once.
/// Make it before other threads are started, so that they inherit the blocked mask and the signals arrive here.
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    std::stop_token token() const { return source_.get_token(); }
    /// What a process ends with that stopped because of the signal: 130 for Ctrl-C, 143 for SIGTERM.
    static int exit_code();
    bool is_requested() const { return source_.stop_requested(); }

private:
    std::stop_source source_;
    sigset_t before_;
    std::jthread waiter_;
};

}  // namespace berth::cli
