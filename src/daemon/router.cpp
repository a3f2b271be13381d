#include "daemon/router.h"

#include <algorithm>

namespace berth::daemon {

namespace {
std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    while (!path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        // Docker's clients sometimes write a double or a trailing slash.
        if (end > 0) segments.push_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return segments;
}

using Segments = std::span<const std::string_view>;

std::string join_segments(Segments segments) {
    std::string out;
    for (const auto segment : segments) out += (out.empty() ? "" : "/") + std::string(segment);
    return out;
}

bool matches(Segments pattern, Segments path,
             std::vector<std::pair<std::string, std::string>>& parameters) {
    if (pattern.empty()) return path.empty();
    if (path.empty()) return false;
    const std::string_view head = pattern.front();
    if (!head.starts_with('{'))
        return head == path.front() && matches(pattern.subspan(1), path.subspan(1), parameters);
    const bool is_rest = head.ends_with("...}");
    const std::string_view name = head.substr(1, head.size() - (is_rest ? 5 : 2));
    // What follows a "{name...}" has a fixed length, so there is one way only to share the segments
    // out.
    const std::size_t tail = pattern.size() - 1;
    const std::size_t taken = is_rest ? (path.size() > tail ? path.size() - tail : 0) : 1;
    if (taken == 0) return false;
    parameters.emplace_back(name, join_segments(path.first(taken)));
    if (matches(pattern.subspan(1), path.subspan(taken), parameters)) return true;
    parameters.pop_back();
    return false;
}
}  // namespace

Result<VersionedPath> split_version(std::string_view path) {
    VersionedPath out;
    out.path = path;
    if (!path.starts_with("/v")) return out;
    const auto end = std::min(path.find('/', 1), path.size());
    const auto version = api::ApiVersion::parse(path.substr(2, end - 2));
    if (!version) return out;
    if (*version < api::oldest_api_version) {
        return fail(ErrorCode::InvalidArgument, "client version ", *version,
                    " is too old. Minimum supported API version is ", api::oldest_api_version,
                    ", please upgrade your client to a newer version");
    }
    if (*version > api::newest_api_version) {
        return fail(ErrorCode::InvalidArgument, "client version ", *version,
                    " is too new. Maximum supported API version is ", api::newest_api_version);
    }
    out.version = *version;
    out.path = path.substr(end);
    return out;
}

std::optional<Match> find_route(std::span<const Route> routes, std::string_view method,
                                std::string_view path, api::ApiVersion version) {
    const auto segments = segments_of(path);
    for (const Route& route : routes) {
        if (route.method != method || version < route.since) continue;
        Match match{route.handler, {}};
        if (matches(segments_of(route.pattern), segments, match.parameters)) return match;
    }
    return std::nullopt;
}

}  // namespace berth::daemon
