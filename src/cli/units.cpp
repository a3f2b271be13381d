#include "cli/units.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/clock.h"
#include "base/text.h"

namespace berth::cli {

namespace {

template <std::size_t Count>
std::string scaled(double bytes, double base, int digits,
                   const std::array<const char*, Count>& units) {
    std::size_t unit = 0;
    while (bytes >= base && unit + 1 < Count) {
        bytes /= base;
        ++unit;
    }
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*g%s", digits, bytes, units[unit]);
    return text.data();
}

std::string count_of(long long count, std::string_view unit) { return concat(count, " ", unit); }

}  // namespace

std::string human_size(double bytes, int digits) {
    static constexpr std::array<const char*, 7> units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    return scaled(bytes, 1000, digits, units);
}

std::string binary_size(double bytes) {
    static constexpr std::array<const char*, 7> units = {"B",   "KiB", "MiB", "GiB",
                                                         "TiB", "PiB", "EiB"};
    return scaled(bytes, 1024, 4, units);
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
    if (end == 0 || end > 30 || text[0] == '.') return std::nullopt;
    const std::string digits(text.substr(0, end));
    char* stop = nullptr;
    const double number = std::strtod(digits.c_str(), &stop);
    if (stop != digits.c_str() + digits.size()) return std::nullopt;
    const std::string suffix = to_lower(trim(text.substr(end)));
    static constexpr std::string_view letters = "kmgtp";
    double factor = 1;
    if (!suffix.empty() && suffix != "b") {
        const auto power = letters.find(suffix[0]);
        const std::string_view rest = std::string_view(suffix).substr(1);
        if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib"))
            return std::nullopt;
        factor = std::pow(1024.0, static_cast<double>(power + 1));
    }
    const double bytes = number * factor;
    if (bytes >= 9.2e18) return std::nullopt;
    return static_cast<std::int64_t>(bytes);
}

std::string human_duration(std::chrono::nanoseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return count_of(seconds, "seconds");
    const auto minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return count_of(minutes, "minutes");
    const auto hours = static_cast<long long>(std::llround(static_cast<double>(seconds) / 3600.0));
    if (hours == 1) return "About an hour";
    if (hours < 48) return count_of(hours, "hours");
    if (hours < 24 * 7 * 2) return count_of(hours / 24, "days");
    if (hours < 24 * 30 * 2) return count_of(hours / 24 / 7, "weeks");
    if (hours < 24 * 365 * 2) return count_of(hours / 24 / 30, "months");
    return count_of(hours / 24 / 365, "years");
}

std::string ago(std::string_view rfc3339, std::chrono::sys_seconds now) {
    const auto time = parse_rfc3339(rfc3339);
    if (!time || time->time_since_epoch().count() <= 0) return "";
    return human_duration(now - *time) + " ago";
}

std::string ago(std::int64_t unix_seconds, std::chrono::sys_seconds now) {
    return human_duration(now - std::chrono::sys_seconds(std::chrono::seconds(unix_seconds))) +
           " ago";
}

}  // namespace berth::cli
