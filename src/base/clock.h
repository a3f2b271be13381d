#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

/// From and to what messages and rows carry: nanoseconds, or whole seconds, since the epoch.
constexpr Timestamp timestamp_of(std::int64_t nanoseconds) {
    return Timestamp(std::chrono::nanoseconds(nanoseconds));
}
constexpr std::int64_t unix_seconds(Timestamp time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// Where time comes from, so that tests own it.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Timestamp now() const = 0;
    virtual std::chrono::steady_clock::time_point steady_now() const = 0;
};

/// The machine's clock.
class SystemClock final : public Clock {
public:
    Timestamp now() const override;
    std::chrono::steady_clock::time_point steady_now() const override;
};

/// RFC 3339 in UTC with nanoseconds and without trailing zeros, as Go's RFC3339Nano:
/// "2026-11-23T10:00:00.5Z".
std::string to_rfc3339(Timestamp time);
/// RFC 3339 with any offset and up to nine fractional digits.
std::optional<Timestamp> parse_rfc3339(std::string_view text);

/// Go's duration notation, as every Docker flag takes it: "1m30s", "500ms", "1.5h".
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace berth
