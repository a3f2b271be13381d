#include "network/manager.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <set>

#include "api/network.h"
#include "container/containers.h"
#include "daemon/call.h"
#include "daemon/container_filter.h"
#include "daemon/container_wire.h"
#include "daemon/handlers.h"
#include "record/event_log.h"

namespace berth::daemon {

using codec::Json;

namespace {
std::atomic<bool> pruning_networks{false};

void tell(Call& call, std::string action, const network::Network& network) {
    call.engine.events.append({"network",
                               std::move(action),
                               network.id,
                               {{"name", network.spec.name}, {"type", network.spec.driver}}});
}

Json ipam_of(const network::Network& network) {
    Json pools = Json::array();
    for (const auto& pool : network.spec.pools) {
        Json entry{{"Subnet", pool.subnet.to_string()}};
        if (pool.range) entry["IPRange"] = pool.range->to_string();
        if (pool.gateway) entry["Gateway"] = pool.gateway->to_string();
        for (const auto& [name, address] : pool.auxiliary)
            entry["AuxiliaryAddresses"][name] = address.to_string();
        pools.push_back(std::move(entry));
    }
    const auto& options = network.spec.ipam_options;
    return {{"Driver", network.spec.ipam_driver},
            {"Options", options.empty() ? Json(nullptr) : Json(options)},
            {"Config", std::move(pools)}};
}

Json containers_of(Call& call, const network::Network& network) {
    Json containers = Json::object();
    for (const auto& endpoint : call.engine.networks.endpoints_on(network.id)) {
        containers[endpoint.container_id] = {
            {"Name", endpoint.container_name},
            {"EndpointID", endpoint.id},
            {"MacAddress", endpoint.mac},
            {"IPv4Address", network.is_bridge() ? endpoint.address.to_string() : ""},
            {"IPv6Address", endpoint.address_v6 ? endpoint.address_v6->to_string() : ""}};
    }
    return containers;
}

using Number = network::IpAddress::Number;

// All that fits into the API's 64 bits.
std::uint64_t saturated(Number number) {
    return number > std::numeric_limits<std::uint64_t>::max()
               ? std::numeric_limits<std::uint64_t>::max()
               : static_cast<std::uint64_t>(number);
}

/// Addresses that are taken or never handed out, and those that are left for containers.
Json subnet_status(const network::Pool& pool, const std::vector<network::Endpoint>& endpoints) {
    std::set<network::IpAddress> used{pool.subnet.first()};
    if (pool.subnet.address.is_v4()) used.insert(pool.subnet.last());
    if (pool.gateway) used.insert(*pool.gateway);
    for (const auto& [name, address] : pool.auxiliary) used.insert(address);
    for (const auto& endpoint : endpoints) {
        if (pool.subnet.contains(endpoint.address.address)) used.insert(endpoint.address.address);
        if (endpoint.address_v6 && pool.subnet.contains(endpoint.address_v6->address))
            used.insert(endpoint.address_v6->address);
    }
    const network::Prefix& range = pool.range ? *pool.range : pool.subnet;
    const auto used_in_range =
        std::ranges::count_if(used, [&](const auto& address) { return range.contains(address); });
    const Number others =
        range.last().number() - range.first().number();  // all but one, lest it overflow
    return {{"IPsInUse", used.size()},
            {"DynamicIPsAvailable", saturated(others - static_cast<Number>(used_in_range) + 1)}};
}

Json status_of(Call& call, const network::Network& network) {
    const auto endpoints = call.engine.networks.endpoints_on(network.id);
    Json subnets = Json::object();
    for (const auto& pool : network.spec.pools)
        subnets[pool.subnet.to_string()] = subnet_status(pool, endpoints);
    return {{"IPAM", {{"Subnets", std::move(subnets)}}}};
}

Json network_json(Call& call, const network::Network& network, bool with_containers) {
    const auto map = [](const network::StringMap& m) {
        return m.empty() ? Json::object() : Json(m);
    };
    return {{"Name", network.spec.name},
            {"Id", network.id},
            {"Created", to_rfc3339(network.created)},
            {"Scope", "local"},
            {"Driver", network.spec.driver == "none" ? "null" : network.spec.driver},
            {"EnableIPv4", true},
            {"EnableIPv6", network.spec.enable_ipv6},
            {"IPAM", ipam_of(network)},
            {"Internal", network.spec.internal},
            {"Attachable", network.spec.attachable},
            {"Ingress", false},
            {"ConfigFrom", {{"Network", ""}}},
            {"ConfigOnly", false},
            {"Containers", with_containers ? containers_of(call, network) : Json::object()},
            {"Options", map(network.spec.options)},
            {"Labels", map(network.spec.labels)}};
}

Result<network::Pool> pool_of(const api::IpamPool& in) {
    network::Pool pool;
    pool.subnet = TRY(network::Prefix::parse(in.subnet));
    if (!in.ip_range.empty()) pool.range = TRY(network::Prefix::parse(in.ip_range));
    if (!in.gateway.empty()) pool.gateway = TRY(network::IpAddress::parse(in.gateway));
    for (const auto& [name, text] : in.auxiliary_addresses) {
        const auto address = TRY(network::IpAddress::parse(text));
        pool.auxiliary.emplace(name, address);
    }
    return pool;
}

Result<network::NetworkSpec> spec_of(const api::NetworkCreateRequest& request) {
    if (request.name.empty())
        return fail(ErrorCode::InvalidArgument, "network name cannot be blank");
    if (request.ingress || request.config_only || request.scope == "swarm" ||
        request.driver == "overlay")
        return fail(ErrorCode::Unsupported, "networks of a swarm are not supported");
    network::NetworkSpec spec{
        .name = request.name, .labels = request.labels, .options = request.options};
    if (!request.driver.empty()) spec.driver = request.driver;
    spec.internal = request.internal;
    spec.attachable = request.attachable;
    spec.enable_ipv6 = request.enable_ipv6.value_or(false);
    if (request.ipam) {
        if (!request.ipam->driver.empty()) spec.ipam_driver = request.ipam->driver;
        spec.ipam_options = request.ipam->options;
        for (const auto& pool : request.ipam->config) {
            if (pool.subnet.empty()) continue;
            auto converted = TRY(pool_of(pool));
            spec.pools.push_back(std::move(converted));
        }
    }
    return spec;
}

bool matches_type(const api::Filters& filters, const network::Network& network) {
    return filters.matches("type", network.is_predefined() ? "builtin" : "custom");
}
}  // namespace

Result<> list_networks(Call& call) {
    const auto filters =
        TRY(call.filters({"dangling", "driver", "id", "label", "name", "scope", "type"}));
    const auto dangling = TRY(filters.boolean("dangling"));
    for (const auto& type : filters.values("type")) {
        if (type != "builtin" && type != "custom")
            return fail(ErrorCode::InvalidArgument, "invalid filter: 'type'='", type, "'");
    }
    Json list = Json::array();
    for (const auto& network : call.engine.networks.list()) {
        const std::string driver = network.spec.driver == "none" ? "null" : network.spec.driver;
        if (!filters.matches_name("name", network.spec.name) ||
            !filters.matches_prefix("id", network.id) || !filters.matches("driver", driver) ||
            !filters.matches("scope", "local") ||
            !filters.matches_labels("label", network.spec.labels) ||
            !matches_type(filters, network))
            continue;
        const bool is_dangling =
            !network.is_predefined() && call.engine.networks.endpoints_on(network.id).empty();
        if (dangling && *dangling != is_dangling) continue;
        // Lists stopped carrying the containers with 1.28.
        list.push_back(network_json(call, network, !call.is_at_least(28)));
    }
    return call.send(list);
}

Result<> create_network(Call& call) {
    const std::string body = TRY(call.body());
    const auto request = TRY(api::NetworkCreateRequest::parse(body));
    auto spec = TRY(spec_of(request));
    const auto network = TRY(call.engine.networks.create(std::move(spec)));
    tell(call, "create", network);
    return call.send({{"Id", network.id}, {"Warning", ""}}, 201);
}

Result<> inspect_network(Call& call) {
    const auto network = TRY(call.engine.networks.find(call.parameter("id")));
    Json out = network_json(call, network, true);
    if (call.is_at_least(52)) out["Status"] = status_of(call, network);
    return call.send(out);
}

Result<> remove_network(Call& call) {
    const auto network = TRY(call.engine.networks.remove(call.parameter("id")));
    tell(call, "destroy", network);
    return call.send_status(204);
}

Result<> connect_network(Call& call) {
    const std::string body = TRY(call.body());
    const auto request = TRY(api::NetworkConnectRequest::parse(body));
    container::EndpointSpec endpoint;
    if (request.endpoint_config) endpoint = TRY(endpoint_spec_of(*request.endpoint_config));
    const auto network = TRY(call.engine.networks.find(call.parameter("id")));
    TRY(call.engine.containers.connect_network(request.container, network.spec.name, endpoint));
    return call.send_status(200);
}

Result<> disconnect_network(Call& call) {
    const std::string body = TRY(call.body());
    const auto request = TRY(api::NetworkDisconnectRequest::parse(body));
    const auto network = TRY(call.engine.networks.find(call.parameter("id")));
    TRY(call.engine.containers.disconnect_network(request.container, network.spec.name,
                                                  request.force));
    return call.send_status(200);
}

Result<> prune_networks(Call& call) {
    const auto filters = TRY(call.filters({"label", "label!", "until"}));
    const auto until = TRY(until_of(filters, call.engine.clock.now()));
    const auto guard = TRY(engine::PruneGuard::acquire(pruning_networks));
    const auto pruned = TRY(call.engine.networks.prune(
        [&](const network::Network& network) {
            return filters.matches_labels("label", network.spec.labels) &&
                   filters.excludes_labels("label!", network.spec.labels) &&
                   (!until || network.created < *until);
        },
        call.stop()));
    Json names = pruned.empty() ? Json(nullptr) : Json::array();
    for (const auto& network : pruned) {
        names.push_back(network.spec.name);
        tell(call, "destroy", network);
    }
    call.engine.events.append({"network", "prune", "", {{"reclaimed", "0"}}});
    return call.send({{"NetworksDeleted", std::move(names)}});
}

}  // namespace berth::daemon
