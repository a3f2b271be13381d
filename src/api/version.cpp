#include "api/version.h"

#include "base/text.h"

namespace berth::api {

std::optional<ApiVersion> ApiVersion::parse(std::string_view text) {
    const auto parts = split_once(text, '.');
    if (!parts) return std::nullopt;
    const auto major = parse_uint(parts->first);
    const auto minor = parse_uint(parts->second);
    if (!major || !minor || *major > 1000 || *minor > 100000) return std::nullopt;
    return ApiVersion{static_cast<int>(*major), static_cast<int>(*minor)};
}

}  // namespace berth::api
