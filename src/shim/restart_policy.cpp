#include "shim/restart_policy.h"

#include <algorithm>

namespace berth::shim {
namespace {
using namespace std::chrono_literals;
constexpr std::chrono::milliseconds first_delay = 100ms;
constexpr std::chrono::milliseconds longest_delay = 60s;
constexpr std::chrono::seconds healthy_run = 10s;
}  // namespace

bool RestartPolicy::wants_restart(int exit_code) const {
    switch (settings_.mode) {
        case RestartMode::No: return false;
        case RestartMode::Always:
        case RestartMode::UnlessStopped: return true;
        case RestartMode::OnFailure:
        case RestartMode::Unhealthy:
            return exit_code != 0 && (settings_.max_retries <= 0 || count_ < settings_.max_retries);
    }
    return false;
}

std::optional<std::chrono::milliseconds> RestartPolicy::after_exit(
    int exit_code, bool manually_stopped, std::chrono::nanoseconds ran_for) {
    if (ran_for >= healthy_run) {
        delay_ = 0ms;
        failures_in_row_ = 0;
    }
    ++failures_in_row_;
    if (manually_stopped || !wants_restart(exit_code)) return std::nullopt;
    delay_ = delay_ == 0ms ? first_delay : std::min(delay_ * 2, longest_delay);
    ++count_;
    return delay_;
}

}  // namespace berth::shim
