#pragma once
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace berth::api {

/// A version of the Engine API, "1.44".
struct ApiVersion {
    int major = 1;
    int minor = 0;
    static std::optional<ApiVersion> parse(std::string_view text);
    std::string to_string() const { return std::to_string(major) + "." + std::to_string(minor); }
    auto operator<=>(const ApiVersion&) const = default;
};

inline constexpr ApiVersion oldest_api_version{1, 24};
inline constexpr ApiVersion newest_api_version{1, 55};
/// What berth itself asks for: the last version whose answers have all the members that users'
/// --format templates name.
inline constexpr ApiVersion client_api_version{1, 51};

}  // namespace berth::api
