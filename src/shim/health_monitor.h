#pragma once
#include <functional>
#include <optional>
#include <string>

#include "shim/event_loop.h"
#include "shim/health_state.h"
#include "sys/process.h"

namespace berth::shim {

/// Runs the health check while the container runs: one probe at a time, each in a process of its
/// own with a time limit.
class HealthMonitor {
public:
    HealthMonitor(EventLoop& loop, const Configure& configure,
                  std::function<void(const Health&)> report);
    ~HealthMonitor();

    void container_started(pid_t init);
    void container_ended();
    void set_paused(bool paused) { paused_ = paused; }
    /// Takes a child that ended; false when it is not the probe.
    bool child_ended(pid_t pid, const sys::ExitStatus& status);
    Health state() const { return state_.report(false); }

private:
    void schedule();
    void probe();
    Result<sys::Child> start_probe(sys::BorrowedFd output);
    void read_output();
    void on_timeout();
    void finish(int exit_code, const std::string& note);
    void forget_probe();

    EventLoop& loop_;
    const Configure& configure_;
    std::function<void(const Health&)> report_;
    HealthState state_;
    pid_t init_ = 0;
    bool paused_ = false;
    EventLoop::Id next_probe_ = 0;
    // The probe that runs.
    sys::Child child_;
    sys::Fd output_;
    EventLoop::Id output_watch_ = 0, time_limit_ = 0;
    HealthResult result_;
};

}  // namespace berth::shim
