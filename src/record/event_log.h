#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"

namespace berth::record {

/// Something that happened to an object: {"container", "start", id, {{"image", "alpine"}, {"name",
/// "web"}}}. Types and actions are Docker's words ("container" "image" "network" "volume" "builder"
/// "daemon"; "create" "die" ...).
struct Event {
    std::string type;
    std::string action;
    std::string actor_id;
    std::vector<std::pair<std::string, std::string>> attributes;
    Timestamp time{};

    /// The attribute's value, or "".
    std::string_view attribute(std::string_view key) const;
};

/// The newest events, for everyone who wants to follow. A subscriber is a position in the log, not
/// a queue: a slow one costs nothing, and misses the oldest events when more than `capacity` have
/// come since it last looked.
class EventLog {
public:
    struct SubscribeOptions {
        /// Past events at or after this time come first; without it only future ones.
        std::optional<Timestamp> since;
        /// The stream ends at this time; one in the past gives past events only.
        std::optional<Timestamp> until;
        /// Which events to give; none means all. Called without the log's lock.
        std::function<bool(const Event&)> filter;
    };

    class Subscription {
    public:
        /// The next event, waiting for it; nullopt when `until` is reached or a stop is requested.
        std::optional<Event> next(std::stop_token stop);
        /// As next(), but at most `limit` long; `expired` tells a time-out from the end of the
        /// stream.
        std::optional<Event> next_for(std::chrono::nanoseconds limit, bool& expired,
                                      std::stop_token stop);

    private:
        friend class EventLog;
        Subscription(EventLog& log, std::uint64_t position, SubscribeOptions options)
            : log_(&log), position_(position), options_(std::move(options)) {}
        EventLog* log_;
        std::uint64_t position_;
        SubscribeOptions options_;
    };

    explicit EventLog(const Clock& clock, std::size_t capacity = 2048)
        : clock_(clock), capacity_(capacity) {}
    EventLog(const EventLog&) = delete;

    /// Adds an event; its time is now unless it has one. Wakes the subscribers.
    void append(Event event);
    Subscription subscribe(SubscribeOptions options);
    /// Ends every subscription: next() gives nullopt from now on. For the shutdown of the engine.
    void close();

private:
    struct State {
        std::deque<Event> events;
        std::uint64_t first = 0;  // the number of events.front()
        bool closed = false;
    };
    const Clock& clock_;
    const std::size_t capacity_;
    Guarded<State> state_;
};

}  // namespace berth::record
