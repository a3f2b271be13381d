#include "client/transport_internal.h"

namespace berth::client {

Result<Json> Client::create_volume(const api::VolumeCreateRequest& request) const {
    return transport_->json(
        {.method = "POST", .path = "/volumes/create", .json_body = request.to_json()});
}

Result<Json> Client::list_volumes(const api::Filters& filters) const {
    Call call{.path = "/volumes"};
    add_filters(call.query, filters);
    return transport_->json(std::move(call));
}

Result<Json> Client::inspect_volume(const std::string& name) const {
    return transport_->json({.path = path_of("/volumes/", name)});
}

Result<> Client::remove_volume(const std::string& name, bool force) const {
    Call call{.method = "DELETE", .path = path_of("/volumes/", name)};
    add_flag(call.query, "force", force);
    return transport_->done(std::move(call));
}

Result<Json> Client::prune_volumes(const api::Filters& filters) const {
    Call call{.method = "POST", .path = "/volumes/prune"};
    add_filters(call.query, filters);
    return transport_->json(std::move(call));
}

}  // namespace berth::client
