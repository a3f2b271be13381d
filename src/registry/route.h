#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace berth::registry {

/// What a path of the distribution specification means.
enum class Resource { Base, Catalog, Tags, Manifest, Blob, UploadStart, Upload, Referrers };

struct Route {
    Resource resource = Resource::Base;
    std::string repository;
    std::string reference;  // tag, digest or upload id
};

/// distribution-spec v1.1 "Endpoints". nullopt for an unknown path. Repository names are not
/// checked here.
std::optional<Route> find_route(std::string_view path);

}  // namespace berth::registry
