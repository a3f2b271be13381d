#pragma once
#include <chrono>
#include <deque>

#include "shim/protocol.h"

namespace berth::shim {

/// The outcome of health probes over time. Pure: the owner runs the probes and says when.
class HealthState {
public:
    HealthState() = default;
    /// Zero durations and counts of `settings` take Docker's defaults: 30 s, 30 s, 0, 5 s, 3.
    explicit HealthState(const HealthSettings& settings);

    bool is_enabled() const { return !settings_.command.empty(); }
    const HealthSettings& settings() const { return settings_; }
    /// A new run of the container: "starting", no failures; `now` in ns since the epoch.
    void restart(std::int64_t now);
    /// The process is gone: probing has ended. Docker reports a stopped container as unhealthy.
    void stop();
    /// Takes a probe's result; true when the status changed. Failures in the start period do not count.
    bool add(HealthResult result);
    /// How long to wait before the next probe, in ns.
    std::int64_t next_delay(std::int64_t now) const;
    Health report(bool changed) const;
    HealthStatus status() const { return status_; }

private:
    HealthSettings settings_;
    HealthStatus status_ = HealthStatus::None;
    std::int32_t failing_streak_ = 0;
    std::int64_t started_at_ = 0;
    std::deque<HealthResult> log_;
};

}  // namespace berth::shim
