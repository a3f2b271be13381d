#include "base/clock.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/text.h"

namespace berth {

using namespace std::chrono;

Timestamp SystemClock::now() const { return time_point_cast<nanoseconds>(system_clock::now()); }
steady_clock::time_point SystemClock::steady_now() const { return steady_clock::now(); }

std::string to_rfc3339(Timestamp time) {
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    char text[48];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    std::string out = text;
    if (const auto fraction = clock.subseconds().count(); fraction != 0) {
        std::snprintf(text, sizeof text, ".%09lld", static_cast<long long>(fraction));
        out += text;
        out.erase(out.find_last_not_of('0') + 1);
    }
    return out + "Z";
}

namespace {
// Reads exactly `count` digits from the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
    if (text.size() < count) return std::nullopt;
    const auto value = parse_uint(text.substr(0, count));
    if (!value) return std::nullopt;
    text.remove_prefix(count);
    return static_cast<int>(*value);
}

bool take(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<nanoseconds> take_fraction(std::string_view& text) {
    if (!take(text, '.')) return nanoseconds{0};
    std::int64_t value = 0;
    int digits = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        if (digits < 9) value = value * 10 + (text.front() - '0'), ++digits;
        text.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 9; ++digits) value *= 10;
    return nanoseconds{value};
}

std::optional<minutes> take_offset(std::string_view& text) {
    if (take(text, 'Z') || take(text, 'z')) return minutes{0};
    const bool negative = !text.empty() && text.front() == '-';
    if (!take(text, '+') && !take(text, '-')) return std::nullopt;
    const auto hour = take_digits(text, 2);
    if (!hour || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute) return std::nullopt;
    const minutes offset{*hour * 60 + *minute};
    return negative ? -offset : offset;
}
}  // namespace

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
    const auto y = take_digits(text, 4);
    if (!y || !take(text, '-')) return std::nullopt;
    const auto mo = take_digits(text, 2);
    if (!mo || !take(text, '-')) return std::nullopt;
    const auto d = take_digits(text, 2);
    if (!d || !(take(text, 'T') || take(text, 't') || take(text, ' '))) return std::nullopt;
    const auto h = take_digits(text, 2);
    if (!h || !take(text, ':')) return std::nullopt;
    const auto mi = take_digits(text, 2);
    if (!mi || !take(text, ':')) return std::nullopt;
    const auto s = take_digits(text, 2);
    if (!s) return std::nullopt;
    const auto fraction = take_fraction(text);
    if (!fraction) return std::nullopt;
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;
    const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)},
                              day{static_cast<unsigned>(*d)}};
    if (!date.ok() || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
    return Timestamp{sys_days{date}} + hours{*h} + minutes{*mi} + seconds{*s} + *fraction - *offset;
}

std::optional<nanoseconds> parse_duration(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, double>, 8> units{{{"ns", 1},
                                                                        {"us", 1e3},
                                                                        {"\xc2\xb5s", 1e3},
                                                                        {"ms", 1e6},
                                                                        {"s", 1e9},
                                                                        {"m", 60e9},
                                                                        {"h", 3600e9},
                                                                        {"d", 86400e9}}};
    const bool negative = take(text, '-');
    if (!negative) take(text, '+');
    if (text == "0") return nanoseconds{0};
    if (text.empty()) return std::nullopt;
    double total = 0;
    while (!text.empty()) {
        const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
        text.remove_prefix(digits.size());
        double value = 0;
        if (!digits.empty()) {
            const auto whole = parse_uint(digits);
            if (!whole) return std::nullopt;
            value = static_cast<double>(*whole);
        }
        if (!text.empty() && text.front() == '.') {
            const auto fraction = take_fraction(text);
            if (!fraction) return std::nullopt;
            value += static_cast<double>(fraction->count()) / 1e9;
        } else if (digits.empty()) {
            return std::nullopt;
        }
        const auto unit = text.substr(0, text.find_first_of("0123456789."));
        bool known = false;
        for (const auto& [name, scale] : units) {
            if (unit != name) continue;
            total += value * scale;
            known = true;
        }
        if (!known) return std::nullopt;
        text.remove_prefix(unit.size());
    }
    if (total > 9.2e18) return std::nullopt;
    const auto count = static_cast<std::int64_t>(std::llround(total));
    return nanoseconds{negative ? -count : count};
}

std::string format_duration(nanoseconds duration) {
    if (duration.count() == 0) return "0s";
    std::string out;
    if (duration.count() < 0) {
        out = "-";
        duration = -duration;
    }
    const auto with_fraction = [](std::int64_t value, std::int64_t scale, std::string_view unit) {
        std::string text = std::to_string(value / scale);
        if (value % scale != 0) {
            std::string fraction = std::to_string(scale + value % scale).substr(1);
            fraction.erase(fraction.find_last_not_of('0') + 1);
            text += "." + fraction;
        }
        return text.append(unit);
    };
    if (duration < 1us) return out + with_fraction(duration.count(), 1, "ns");
    if (duration < 1ms) return out + with_fraction(duration.count(), 1'000, "\xc2\xb5s");
    if (duration < 1s) return out + with_fraction(duration.count(), 1'000'000, "ms");
    const auto whole_hours = duration_cast<hours>(duration);
    const auto whole_minutes = duration_cast<minutes>(duration - whole_hours);
    if (whole_hours.count() > 0) out += std::to_string(whole_hours.count()) + "h";
    if (whole_hours.count() > 0 || whole_minutes.count() > 0)
        out += std::to_string(whole_minutes.count()) + "m";
    return out +
           with_fraction((duration - whole_hours - whole_minutes).count(), 1'000'000'000, "s");
}

}  // namespace berth
