#include "client/transport_internal.h"

namespace berth::client {

Result<Json> Client::create_network(const api::NetworkCreateRequest& request) const {
    return transport_->json(
        {.method = "POST", .path = "/networks/create", .json_body = request.to_json()});
}

Result<Json> Client::list_networks(const api::Filters& filters) const {
    Call call{.path = "/networks"};
    add_filters(call.query, filters);
    return transport_->json(std::move(call));
}

Result<Json> Client::inspect_network(const std::string& name, bool verbose) const {
    Call call{.path = path_of("/networks/", name)};
    add_flag(call.query, "verbose", verbose);
    return transport_->json(std::move(call));
}

Result<> Client::remove_network(const std::string& name) const {
    return transport_->done({.method = "DELETE", .path = path_of("/networks/", name)});
}

Result<> Client::connect_network(const std::string& network,
                                 const api::NetworkConnectRequest& request) const {
    return transport_->done({.method = "POST",
                             .path = path_of("/networks/", network, "/connect"),
                             .json_body = request.to_json()});
}

Result<> Client::disconnect_network(const std::string& network,
                                    const api::NetworkDisconnectRequest& request) const {
    return transport_->done({.method = "POST",
                             .path = path_of("/networks/", network, "/disconnect"),
                             .json_body = request.to_json()});
}

Result<Json> Client::prune_networks(const api::Filters& filters) const {
    Call call{.method = "POST", .path = "/networks/prune"};
    add_filters(call.query, filters);
    return transport_->json(std::move(call));
}

}  // namespace berth::client
