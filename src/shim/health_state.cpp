#include "shim/health_state.h"

namespace berth::shim {
namespace {
constexpr std::int64_t second = 1'000'000'000;
constexpr std::size_t kept_results = 5;
}  // namespace

HealthState::HealthState(const HealthSettings& settings) : settings_(settings) {
    if (settings_.interval <= 0) settings_.interval = 30 * second;
    if (settings_.timeout <= 0) settings_.timeout = 30 * second;
    if (settings_.start_interval <= 0) settings_.start_interval = 5 * second;
    if (settings_.retries <= 0) settings_.retries = 3;
}

void HealthState::restart(std::int64_t now) {
    started_at_ = now;
    status_ = is_enabled() ? HealthStatus::Starting : HealthStatus::None;
    failing_streak_ = 0;
    log_.clear();
}

void HealthState::stop() {
    if (is_enabled()) status_ = HealthStatus::Unhealthy;
}

bool HealthState::add(HealthResult result) {
    const HealthStatus before = status_;
    if (result.exit_code == 0) {
        failing_streak_ = 0;
        status_ = HealthStatus::Healthy;
    } else {
        const bool in_start_period =
            status_ == HealthStatus::Starting && result.start - started_at_ < settings_.start_period;
        if (!in_start_period && ++failing_streak_ >= settings_.retries) status_ = HealthStatus::Unhealthy;
    }
    log_.push_back(std::move(result));
    if (log_.size() > kept_results) log_.pop_front();
    return status_ != before;
}

std::int64_t HealthState::next_delay(std::int64_t now) const {
    const bool in_start_period = status_ == HealthStatus::Starting && now - started_at_ < settings_.start_period;
    return in_start_period ? std::min(settings_.start_interval, settings_.interval) : settings_.interval;
}

Health HealthState::report(bool changed) const {
    return {.status = status_,
            .failing_streak = failing_streak_,
            .changed = changed,
            .log = {log_.begin(), log_.end()}};
}

}  // namespace berth::shim
