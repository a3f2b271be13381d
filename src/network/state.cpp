#include <algorithm>

#include "base/text.h"
#include "network/state_internal.h"

namespace berth::network {

namespace {
bool addresses_clash(const IpAddress& a, const IpAddress& b) {
    return a.family() == b.family() && (a == b || a.is_wildcard() || b.is_wildcard());
}
}  // namespace

LiveNetwork make_live(Network network) {
    LiveNetwork out;
    for (const auto& pool : network.spec.pools) {
        (pool.subnet.address.is_v4() ? out.v4 : out.v6).emplace(pool);
    }
    out.network = std::move(network);
    return out;
}

bool option_is(const Network& network, const std::string& key, bool fallback) {
    auto found = network.spec.options.find(key);
    if (found == network.spec.options.end()) return fallback;
    std::string value = to_lower(found->second);
    return value == "true" || value == "1" || value == "t";
}

BridgeRule bridge_rule(const Network& network) {
    return {network.bridge,
            option_is(network, "com.docker.network.bridge.enable_ip_masquerade", true),
            network.spec.internal};
}

std::vector<PortRule> port_rules(const Endpoint& endpoint, const PublishedPort& port) {
    if (port.host_address.is_v4()) return {{port, endpoint.address.address}};
    if (endpoint.address_v6) return {{port, endpoint.address_v6->address}};
    return {};
}

std::vector<std::string> dns_names_of(const Network& network, const Endpoint& endpoint,
                                      std::string_view hostname) {
    // Docker answers no names on the default bridge.
    if (network.is_predefined()) return {};
    std::vector<std::string> out;
    auto add = [&](std::string_view name) {
        if (!name.empty() && std::find(out.begin(), out.end(), name) == out.end())
            out.emplace_back(name);
    };
    add(endpoint.container_name);
    for (const auto& alias : endpoint.aliases) add(alias);
    add(std::string_view(endpoint.container_id).substr(0, 12));
    add(hostname);
    return out;
}

LiveNetwork* Tables::find(std::string_view name_or_id) {
    if (name_or_id.empty()) return nullptr;
    if (name_or_id == "default") name_or_id = "bridge";
    auto exact = networks.find(std::string(name_or_id));
    if (exact != networks.end()) return &exact->second;
    LiveNetwork* by_prefix = nullptr;
    int matches = 0;
    for (auto& [id, live] : networks) {
        if (live.network.spec.name == name_or_id) return &live;
        if (!id.starts_with(name_or_id)) continue;
        by_prefix = &live;
        ++matches;
    }
    return matches == 1 ? by_prefix : nullptr;
}

std::vector<Endpoint*> Tables::endpoints_on(std::string_view network_id) {
    std::vector<Endpoint*> out;
    for (auto& [container, list] : endpoints) {
        for (auto& endpoint : list) {
            if (endpoint.network_id == network_id) out.push_back(&endpoint);
        }
    }
    return out;
}

std::size_t Tables::count_on(std::string_view network_id) const {
    return const_cast<Tables*>(this)->endpoints_on(network_id).size();
}

Endpoint* Tables::find_endpoint(std::string_view container_id, std::string_view network_id) {
    auto list = endpoints.find(std::string(container_id));
    if (list == endpoints.end()) return nullptr;
    for (auto& endpoint : list->second) {
        if (endpoint.network_id == network_id) return &endpoint;
    }
    return nullptr;
}

bool Tables::is_port_taken(const IpAddress& address, Protocol protocol, std::uint16_t port) const {
    auto [first, last] = ports.equal_range({protocol, port});
    return std::any_of(first, last,
                       [&](const auto& entry) { return addresses_clash(entry.second, address); });
}

void Tables::add_port(const PublishedPort& port) {
    ports.emplace(std::pair(port.container.protocol, port.host_port), port.host_address);
}

void Tables::remove_port(const PublishedPort& port) {
    auto [first, last] = ports.equal_range({port.container.protocol, port.host_port});
    auto found = std::find_if(first, last,
                              [&](const auto& entry) { return entry.second == port.host_address; });
    if (found != last) ports.erase(found);
}

void Tables::forget(const Endpoint& endpoint) {
    for (const auto& port : endpoint.ports) remove_port(port);
    reservations.erase(endpoint.id);
    auto network = networks.find(endpoint.network_id);
    if (network == networks.end()) return;
    if (network->second.v4) network->second.v4->give_back(endpoint.address.address);
    if (network->second.v6 && endpoint.address_v6)
        network->second.v6->give_back(endpoint.address_v6->address);
}

RulesetPlan Tables::plan() const {
    RulesetPlan out;
    for (const auto& [id, live] : networks) {
        if (live.network.is_bridge()) out.bridges.push_back(bridge_rule(live.network));
    }
    for (const auto& [container, list] : endpoints) {
        for (const auto& endpoint : list) {
            for (const auto& port : endpoint.ports) {
                for (auto& rule : port_rules(endpoint, port)) out.ports.push_back(std::move(rule));
            }
        }
    }
    return out;
}

std::set<std::string> Tables::observers_of(const Endpoint& endpoint) const {
    std::set<std::string> out;
    for (const auto& [container, list] : endpoints) {
        for (const auto& other : list) {
            bool is_linked =
                std::any_of(other.links.begin(), other.links.end(),
                            [&](const auto& link) { return link.first == endpoint.container_id; });
            if (other.network_id == endpoint.network_id &&
                (is_linked || !endpoint.dns_names.empty())) {
                out.insert(container);
            }
        }
    }
    return out;
}

void Manager::State::notify(const std::set<std::string>& containers) const {
    if (!listener || containers.empty()) return;
    std::vector<std::string> list(containers.begin(), containers.end());
    listener(list);
}

}  // namespace berth::network
