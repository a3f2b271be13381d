#include "registry/route.h"

namespace berth::registry {

namespace {

/// Takes "<repository>/<word>/<rest>" apart at the last place where that is possible; repositories
/// hold slashes.
std::optional<Route> take_apart(std::string_view path, std::string_view word, Resource resource,
                                bool empty_rest) {
    const auto at = path.rfind(word);
    if (at == std::string_view::npos || at == 0) return std::nullopt;
    const auto rest = path.substr(at + word.size());
    if (rest.empty() != empty_rest || rest.find('/') != std::string_view::npos) return std::nullopt;
    return Route{resource, std::string(path.substr(0, at)), std::string(rest)};
}

}  // namespace

std::optional<Route> find_route(std::string_view path) {
    if (path == "/v2" || path == "/v2/") return Route{};
    if (path == "/v2/_catalog") return Route{.resource = Resource::Catalog};
    if (!path.starts_with("/v2/")) return std::nullopt;
    path.remove_prefix(4);
    if (path.ends_with("/tags/list") && path.size() > 10)
        return Route{Resource::Tags, std::string(path.substr(0, path.size() - 10)), {}};
    if (path.ends_with("/blobs/uploads"))
        return take_apart(path, "/blobs/uploads", Resource::UploadStart, true);
    if (auto route = take_apart(path, "/blobs/uploads/", Resource::UploadStart, true)) return route;
    if (auto route = take_apart(path, "/blobs/uploads/", Resource::Upload, false)) return route;
    if (auto route = take_apart(path, "/manifests/", Resource::Manifest, false)) return route;
    if (auto route = take_apart(path, "/blobs/", Resource::Blob, false)) return route;
    return take_apart(path, "/referrers/", Resource::Referrers, false);
}

}  // namespace berth::registry
