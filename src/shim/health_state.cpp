#include "shim/health_state.h"

namespace berth::shim {
namespace {
constexpr std::int64_t second = 1'000'000'000;
constexpr std::size_t kept_results = 5;

// Short: an image whose first start sets up its data with a temporary server (PostgreSQL's and
// MySQL's do) needs longer until that one answers. Its answer would be taken for the service's.
constexpr std::int64_t early_window = second / 2;
constexpr std::int64_t first_early_delay = second / 50;
}  // namespace

HealthState::HealthState(const HealthSettings& settings)
    : settings_(settings), probes_early_(settings.start_interval <= 0) {
    if (settings_.interval <= 0) settings_.interval = 30 * second;
    if (settings_.timeout <= 0) settings_.timeout = 30 * second;
    if (settings_.start_interval <= 0) settings_.start_interval = 5 * second;
    if (settings_.retries <= 0) settings_.retries = 3;
}

void HealthState::restart(std::int64_t now) {
    started_at_ = now;
    status_ = is_enabled() ? HealthStatus::Starting : HealthStatus::None;
    failing_streak_ = 0;
    is_early_ = probes_early_;
    log_.clear();
}

void HealthState::stop() {
    if (is_enabled()) status_ = HealthStatus::Unhealthy;
}

bool HealthState::add(HealthResult result) {
    const HealthStatus before = status_;
    if (is_early_ && result.exit_code != 0) return false;
    is_early_ = false;
    if (result.exit_code == 0) {
        failing_streak_ = 0;
        status_ = HealthStatus::Healthy;
    } else {
        const bool in_start_period = status_ == HealthStatus::Starting &&
                                     result.start - started_at_ < settings_.start_period;
        if (!in_start_period && ++failing_streak_ >= settings_.retries)
            status_ = HealthStatus::Unhealthy;
    }
    log_.push_back(std::move(result));
    if (log_.size() > kept_results) log_.pop_front();
    return status_ != before;
}

std::int64_t HealthState::next_delay(std::int64_t now) {
    const std::int64_t elapsed = now - started_at_;
    if (!is_early_) {
        const bool in_start_period =
            status_ == HealthStatus::Starting && elapsed < settings_.start_period;
        return in_start_period ? starting_delay() : settings_.interval;
    }
    // Half of the time that has passed: a ready service is seen soon, and a slow one is asked a few
    // times only.
    const std::int64_t early_delay = std::max(first_early_delay, elapsed / 2);
    const bool clock_is_sane = elapsed >= 0;
    if (clock_is_sane && elapsed + early_delay < std::min(early_window, first_delay()))
        return early_delay;
    is_early_ = false;
    return std::clamp<std::int64_t>(first_delay() - elapsed, 0, first_delay());
}

std::int64_t HealthState::time_limit(std::int64_t now) const {
    if (!is_early_) return settings_.timeout;
    return std::min(settings_.timeout, std::clamp<std::int64_t>(first_delay() - (now - started_at_),
                                                                1, first_delay()));
}

Health HealthState::report(bool changed) const {
    return {.status = status_,
            .failing_streak = failing_streak_,
            .changed = changed,
            .log = {log_.begin(), log_.end()}};
}

}  // namespace berth::shim
