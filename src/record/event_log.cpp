#include "record/event_log.h"

#include <algorithm>

namespace berth::record {

std::string_view Event::attribute(std::string_view key) const {
    for (const auto& [name, value] : attributes)
        if (name == key) return value;
    return {};
}

void EventLog::append(Event event) {
    if (event.time == Timestamp{}) event.time = clock_.now();
    {
        auto state = state_.lock();
        state->events.push_back(std::move(event));
        if (state->events.size() > capacity_) {
            state->events.pop_front();
            ++state->first;
        }
    }
    state_.notify_all();
}

EventLog::Subscription EventLog::subscribe(SubscribeOptions options) {
    auto state = state_.lock();
    const bool wants_past = options.since || (options.until && *options.until <= clock_.now());
    const std::uint64_t position = wants_past ? state->first : state->first + state->events.size();
    return Subscription(*this, position, std::move(options));
}

void EventLog::close() {
    state_.lock()->closed = true;
    state_.notify_all();
}

std::optional<Event> EventLog::Subscription::next(std::stop_token stop) {
    bool expired = true;
    std::optional<Event> event;
    while (expired && !event) event = next_for(std::chrono::hours(1), expired, stop);
    return event;
}

std::optional<Event> EventLog::Subscription::next_for(std::chrono::nanoseconds limit, bool& expired,
                                                      std::stop_token stop) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (true) {
        expired = false;
        std::optional<Event> event;
        {
            auto state = log_->state_.lock();
            const auto has_news = [&](const State& s) {
                return s.closed || position_ < s.first + s.events.size();
            };
            if (!has_news(*state)) {
                std::chrono::nanoseconds wait = deadline - std::chrono::steady_clock::now();
                bool until_is_first = false;
                if (options_.until) {
                    const auto left = *options_.until - log_->clock_.now();
                    until_is_first = left <= wait;
                    wait = std::min<std::chrono::nanoseconds>(wait, left);
                }
                if (!state.wait_for(stop, std::max(wait, std::chrono::nanoseconds(0)), has_news)) {
                    expired = !stop.stop_requested() && !until_is_first;
                    return std::nullopt;
                }
            }
            position_ = std::max(position_, state->first);
            if (position_ >= state->first + state->events.size()) return std::nullopt;  // closed
            event = state->events[position_ - state->first];
        }
        ++position_;
        if (options_.until && event->time > *options_.until) return std::nullopt;
        if (options_.since && event->time < *options_.since) continue;
        if (!options_.filter || options_.filter(*event)) return event;
    }
}

}  // namespace berth::record
