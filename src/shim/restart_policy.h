#pragma once
#include <chrono>
#include <optional>

#include "shim/protocol.h"

namespace berth::shim {

/// Decides whether and when a container that ended is started again. Docker's rules: the delay
/// starts at 100 ms, doubles up to a minute, and starts over once the container has run for ten
/// seconds.
class RestartPolicy {
public:
    RestartPolicy() = default;
    RestartPolicy(const RestartSettings& settings, int restart_count)
        : settings_(settings), count_(restart_count) {}

    void update(const RestartSettings& settings) { settings_ = settings; }
    /// The delay until the next start; nullopt leaves the container ended. Counts the restart it
    /// grants.
    std::optional<std::chrono::milliseconds> after_exit(int exit_code, bool manually_stopped,
                                                        std::chrono::nanoseconds ran_for);
    int restart_count() const { return count_; }
    bool stops_unhealthy() const { return settings_.mode == RestartMode::Unhealthy; }
    /// How many ends came in a row without a run of ten seconds between them.
    int failures_in_row() const { return failures_in_row_; }

private:
    bool wants_restart(int exit_code) const;
    RestartSettings settings_;
    int count_ = 0, failures_in_row_ = 0;
    std::chrono::milliseconds delay_{0};
};

}  // namespace berth::shim
