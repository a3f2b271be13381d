#pragma once
#include <algorithm>
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

    bool is_enabled() const {
        return settings_.kind != ProbeKind::Command || !settings_.command.empty();
    }
    const HealthSettings& settings() const { return settings_; }
    /// A new run of the container: "starting", no failures; `now` in ns since the epoch.
    void restart(std::int64_t now);
    /// The process is gone: probing has ended. Docker reports a stopped container as unhealthy.
    void stop();
    /// Takes a probe's result; true when the status changed. Failures in the start period do not
    /// count, early ones leave no trace.
    bool add(HealthResult result);
    /// How long to wait before the next probe, in ns. Asked once for each probe.
    ///
    /// Docker's first probe comes after one interval. Before it, a new container is probed early
    /// for a moment, so that whoever waits for a service that is ready at once need not wait for
    /// the interval. An early failure is forgotten: from Docker's first probe on, the status is
    /// what it would be without. With a start interval of the user's there are no early probes.
    std::int64_t next_delay(std::int64_t now);
    /// How long a probe that starts now may take, in ns. An early one ends when the first ordinary
    /// one is due.
    std::int64_t time_limit(std::int64_t now) const;
    Health report(bool changed) const;
    HealthStatus status() const { return status_; }

private:
    std::int64_t starting_delay() const {
        return std::min(settings_.start_interval, settings_.interval);
    }
    std::int64_t first_delay() const {
        return settings_.start_period > 0 ? starting_delay() : settings_.interval;
    }

    HealthSettings settings_;
    HealthStatus status_ = HealthStatus::None;
    std::int32_t failing_streak_ = 0;
    std::int64_t started_at_ = 0;
    bool probes_early_ = false;
    bool is_early_ = false;  // until the first ordinary probe is due
    std::deque<HealthResult> log_;
};

}  // namespace berth::shim
