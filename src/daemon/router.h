#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/version.h"
#include "base/result.h"

namespace berth::daemon {

class Call;

/// Answers one request. An error before anything was sent becomes the answer; later it ends the
/// stream.
using Handler = Result<> (*)(Call& call);

/// One line of the route table. In `pattern`, "{id}" is one segment and "{name...}" one or more, as
/// image names need.
struct Route {
    std::string_view method;
    std::string_view pattern;
    Handler handler;
    /// Endpoints that came later are unknown to older versions.
    api::ApiVersion since = api::oldest_api_version;
};

struct Match {
    Handler handler;
    std::vector<std::pair<std::string, std::string>> parameters;
};

/// What the path asks for: "/v1.44/containers/json" is version 1.44 of "/containers/json"; without
/// a version it is the newest.
struct VersionedPath {
    api::ApiVersion version = api::newest_api_version;
    std::string path;
};

/// InvalidArgument with Docker's text when the version is too new or too old. `path` is decoded
/// already.
Result<VersionedPath> split_version(std::string_view path);

/// The route for a request, or nullopt ("page not found"). Literal segments go before parameters;
/// the table's order decides the rest.
std::optional<Match> find_route(std::span<const Route> routes, std::string_view method,
                                std::string_view path, api::ApiVersion version);

}  // namespace berth::daemon
