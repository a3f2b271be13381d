#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::cli {

/// "72.8MB": powers of 1000 with so many significant digits, as `docker images` shows.
std::string human_size(double bytes, int digits = 3);
/// "1.5MiB": powers of 1024 with four significant digits, as `docker stats` shows.
std::string binary_size(double bytes);
/// "512m", "1.5g", "64kb", "100", "2GiB" with powers of 1024; nullopt for anything else.
std::optional<std::int64_t> parse_bytes(std::string_view text);
/// "About a minute", "5 minutes", "3 weeks"
std::string human_duration(std::chrono::nanoseconds duration);
/// "5 minutes ago" for a time in RFC 3339 or unix seconds; "" when there is none.
std::string ago(std::string_view rfc3339, std::chrono::sys_seconds now);
std::string ago(std::int64_t unix_seconds, std::chrono::sys_seconds now);

}  // namespace berth::cli
