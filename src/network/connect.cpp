#include <algorithm>
#include <iterator>
#include <mutex>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "network/rows_internal.h"
#include "network/state_internal.h"

// Connecting in order: admission (names, addresses, ports; in memory), links (kernel), rules
// (kernel), row. Whatever fails, what was done before is undone in reverse: `Attempt` owns the
// half-made endpoint until the last step.

namespace berth::network {

namespace {
// "veth" and eleven characters fill the 15 that a link's name may have.
constexpr std::size_t host_link_id_length = 11;

class Attempt {
public:
    Attempt(Guarded<Tables>& tables, std::string network_id, std::string container_id)
        : tables_(tables),
          network_id_(std::move(network_id)),
          container_id_(std::move(container_id)) {}
    Attempt(const Attempt&) = delete;
    ~Attempt() {
        auto locked = tables_.lock();
        if (auto live = locked->networks.find(network_id_); live != locked->networks.end())
            --live->second.pending;
        auto [first, last] = locked->pending_interfaces.equal_range(container_id_);
        auto own = std::find_if(
            first, last, [&](const auto& entry) { return entry.second == endpoint.interface; });
        if (own != last) locked->pending_interfaces.erase(own);
        if (!is_committed_) locked->forget(endpoint);
    }
    void commit() { is_committed_ = true; }

    Endpoint endpoint;

private:
    Guarded<Tables>& tables_;
    std::string network_id_;
    std::string container_id_;
    bool is_committed_ = false;
};

std::string free_interface(const Tables& tables, const std::string& container_id) {
    std::set<std::string> used;
    if (auto list = tables.endpoints.find(container_id); list != tables.endpoints.end()) {
        for (const auto& endpoint : list->second) used.insert(endpoint.interface);
    }
    auto [first, last] = tables.pending_interfaces.equal_range(container_id);
    for (; first != last; ++first) used.insert(first->second);
    for (int number = 0;; ++number) {
        std::string name = concat("eth", number);
        if (!used.contains(name)) return name;
    }
}

Result<Prefix> take_address(AddressPool& pool, const std::optional<IpAddress>& wanted) {
    int length = pool.pool().subnet.length;
    if (!wanted) return Prefix{TRY(pool.take_next()), length};
    TRY(pool.take(*wanted));
    return Prefix{*wanted, length};
}

Error port_error(const Endpoint& endpoint, const std::string& why) {
    return fail(ErrorCode::Conflict, "driver failed programming external connectivity on endpoint ",
                endpoint.container_name, " (", endpoint.id, "): ", why);
}

// How often another free port is looked for when the one found for one address is taken for the
// other.
constexpr std::size_t free_port_attempts = 8;

std::vector<std::uint16_t> candidates_of(const PortRequest& request) {
    if (request.host_first == 0) return std::vector<std::uint16_t>(free_port_attempts, 0);
    std::vector<std::uint16_t> out;
    for (std::uint32_t port = request.host_first; port <= request.host_last; ++port)
        out.push_back(static_cast<std::uint16_t>(port));
    return out;
}

Result<PortReservation> reserve(const Tables& tables, const PublishedPort& port) {
    const Protocol protocol = port.container.protocol;
    if (port.host_port != 0 && tables.is_port_taken(port.host_address, protocol, port.host_port))
        return fail(ErrorCode::Conflict, "Bind for ", port.host_text(),
                    " failed: port is already allocated");
    auto reserved = reserve_port(port.host_address, protocol, port.host_port);
    if (reserved) return reserved;
    return fail(reserved.error().code(), "failed to bind host port ", port.host_text(), '/',
                to_string(protocol), ": ", reserved.error().message());
}

// One port number on all of `addresses`, or nothing.
Result<> take_number(Tables& tables, Endpoint& endpoint, const ContainerPort& container,
                     const std::vector<IpAddress>& addresses, std::uint16_t number) {
    std::vector<PublishedPort> ports;
    std::vector<PortReservation> reservations;
    for (const auto& address : addresses) {
        reservations.push_back(TRY(reserve(tables, PublishedPort{container, address, number})));
        number = reservations.back().port;
        ports.push_back({container, address, number});
    }
    for (const auto& port : ports) {
        tables.add_port(port);
        endpoint.ports.push_back(port);
    }
    std::ranges::move(reservations, std::back_inserter(tables.reservations[endpoint.id]));
    return {};
}

// One port, in the order of the request's range. With `tables` locked, so that two containers do
// not get one port.
Result<> take_port(Tables& tables, Endpoint& endpoint, const PortRequest& request,
                   const std::vector<IpAddress>& addresses) {
    std::string why;
    for (const std::uint16_t number : candidates_of(request)) {
        const auto taken = take_number(tables, endpoint, request.container, addresses, number);
        if (!taken.is_error()) return {};
        why = taken.error().message();
    }
    if (request.host_first != request.host_last) {
        why = concat("all ports of ", request.host_first, "-", request.host_last,
                     " are allocated: ", why);
    }
    return port_error(endpoint, why);
}

Result<> take_ports(Tables& tables, Endpoint& endpoint, const std::vector<PortRequest>& requests,
                    const IpAddress& default_host_address) {
    for (const auto& request : requests) {
        const IpAddress& wanted = request.host_address.is_wildcard() && request.host_address.is_v4()
                                      ? default_host_address
                                      : request.host_address;
        if (!wanted.is_v4() && !endpoint.address_v6) {
            return port_error(endpoint,
                              concat("cannot publish on ", wanted.to_string(), ": network ",
                                     endpoint.network_name, " has no IPv6"));
        }
        std::vector<IpAddress> addresses{wanted};
        if (request.is_everywhere && wanted.is_wildcard() && endpoint.address_v6)
            addresses.emplace_back(Family::V6, 0);
        TRY(take_port(tables, endpoint, request, addresses));
    }
    return {};
}

std::vector<sys::NftChange> rules_of(const Endpoint& endpoint, NftKind kind) {
    std::vector<sys::NftChange> out;
    for (const auto& port : endpoint.ports) {
        for (const auto& rule : port_rules(endpoint, port)) {
            for (auto& change : port_changes(rule, kind)) out.push_back(std::move(change));
        }
    }
    return out;
}

std::vector<IpAddress> gateways_of(const Endpoint& endpoint) {
    std::vector<IpAddress> out;
    out.push_back(endpoint.gateway);
    if (endpoint.gateway_v6) out.push_back(*endpoint.gateway_v6);
    return out;
}

// What the endpoint is called and where it is; no ports yet.
Result<> admit(Tables& tables, LiveNetwork& live, const EndpointRequest& request,
               Endpoint& endpoint) {
    const Network& network = live.network;
    endpoint.id = random_hex(32);
    endpoint.network_id = network.id;
    endpoint.network_name = network.spec.name;
    endpoint.container_id = request.container_id;
    endpoint.container_name = request.container_name;
    endpoint.host_link = concat("veth", endpoint.id.substr(0, host_link_id_length));
    endpoint.aliases = request.aliases;
    endpoint.links = request.links;
    if (request.address && network.is_predefined()) {
        return fail(ErrorCode::InvalidArgument,
                    "user specified IP address is supported on user defined networks only");
    }
    endpoint.address = TRY(take_address(*live.v4, request.address));
    endpoint.gateway = *live.v4->pool().gateway;
    if (live.v6) {
        endpoint.address_v6 = TRY(take_address(*live.v6, request.address_v6));
        endpoint.gateway_v6 = live.v6->pool().gateway;
    }
    endpoint.mac = request.mac.empty() ? mac_for(endpoint.address.address) : to_lower(request.mac);
    endpoint.interface = free_interface(tables, request.container_id);
    tables.pending_interfaces.emplace(request.container_id, endpoint.interface);
    endpoint.dns_names = dns_names_of(network, endpoint, request.hostname);
    bool has_route = false;
    if (auto others = tables.endpoints.find(request.container_id);
        others != tables.endpoints.end()) {
        for (const auto& other : others->second) has_route |= other.default_route;
    }
    endpoint.default_route = !network.spec.internal && !has_route;
    return {};
}

Links::EndpointPlan link_plan(const Network& network, const EndpointRequest& request,
                              const Endpoint& endpoint, std::uint32_t bridge, std::uint32_t mtu) {
    Links::EndpointPlan plan;
    plan.host_link = endpoint.host_link;
    plan.endpoint_id = endpoint.id;
    plan.bridge = bridge;
    plan.mtu = mtu;
    plan.interface = endpoint.interface;
    plan.mac = endpoint.mac;
    plan.addresses.push_back(endpoint.address);
    if (endpoint.address_v6) plan.addresses.push_back(*endpoint.address_v6);
    // RFC 3927 2.1 and RFC 4291 2.5.6: the whole of their networks.
    for (const auto& address : request.link_local)
        plan.addresses.push_back({address, address.is_v4() ? 16 : 64});
    if (endpoint.default_route) plan.gateways = gateways_of(endpoint);
    plan.isolated_port = !option_is(network, "com.docker.network.bridge.enable_icc", true);
    plan.hairpin_port = !endpoint.ports.empty();
    plan.ipv6 = endpoint.address_v6.has_value();
    return plan;
}
}  // namespace

namespace {
// Datagrams of a client that goes on sending belong to one flow for the kernel, however the port's
// owner changes: to nobody before it was published, to the last container after. Forgetting the
// flow lets the next datagram find its way.
void forget_flows(Firewall& firewall, const Endpoint& endpoint) {
    std::vector<std::uint16_t> ports;
    for (const auto& port : endpoint.ports) {
        if (port.container.protocol == Protocol::Udp) ports.push_back(port.host_port);
    }
    if (ports.empty()) return;
    auto done = firewall.forget_udp_flows(ports);
    if (done.is_error())
        log.warn("old UDP flows stay, continuing", {{"error", done.error().message()}});
}
}  // namespace

Result<Endpoint> Manager::connect(const EndpointRequest& request, sys::BorrowedFd netns,
                                  sys::BorrowedFd netlink) {
    Network network;
    {
        auto locked = state_->tables.lock();
        LiveNetwork* live = locked->find(request.network);
        if (!live || !live->is_open)
            return fail(ErrorCode::NotFound, "network ", request.network, " not found");
        network = live->network;
        if (!network.is_bridge()) {
            return fail(ErrorCode::InvalidArgument, "network ", network.spec.name,
                        " has no endpoints of its own");
        }
        if (locked->find_endpoint(request.container_id, network.id)) {
            return fail(ErrorCode::PermissionDenied, "endpoint with name ", request.container_name,
                        " already exists in network ", network.spec.name);
        }
        ++live->pending;
    }
    Attempt attempt(state_->tables, network.id, request.container_id);
    auto [bridge, mtu] = TRY(state_->ready_bridge(network.id));
    {
        auto locked = state_->tables.lock();
        LiveNetwork& live = locked->networks.at(network.id);
        TRY(admit(*locked, live, request, attempt.endpoint));
        TRY(take_ports(*locked, attempt.endpoint, request.ports,
                       state_->options.default_host_address));
    }
    const Endpoint& endpoint = attempt.endpoint;
    auto linked =
        state_->links->connect(link_plan(network, request, endpoint, bridge, mtu), netns, netlink);
    if (linked.is_error() && !TRY(state_->links->has_link(network.bridge))) {
        // Somebody removed the bridge behind our back: make it again.
        state_->tables.lock()->networks.at(network.id).bridge_index = 0;
        std::tie(bridge, mtu) = TRY(state_->ready_bridge(network.id));
        linked = state_->links->connect(link_plan(network, request, endpoint, bridge, mtu), netns,
                                        netlink);
    }
    TRY(std::move(linked).context("connect ", request.container_name, " to network ",
                                  network.spec.name));
    std::unique_lock rules(state_->rules, std::defer_lock);
    if (!endpoint.ports.empty()) rules.lock();
    auto finished = endpoint.ports.empty() ? Result<>()
                                           : state_->change_rules(rules_of(endpoint, NftKind::Add));
    if (!finished.is_error()) finished = store_endpoints(state_->database, std::span(&endpoint, 1));
    if (finished.is_error()) {
        state_->firewall->change(rules_of(endpoint, NftKind::Delete))
            .ignore("the first error is the one to report");
        state_->links->disconnect(endpoint.host_link)
            .ignore("the first error is the one to report");
        return std::move(finished).error();
    }
    std::set<std::string> observers;
    {
        auto locked = state_->tables.lock();
        locked->endpoints[request.container_id].push_back(endpoint);
        observers = locked->observers_of(endpoint);
    }
    attempt.commit();
    if (rules.owns_lock()) rules.unlock();
    forget_flows(*state_->firewall, endpoint);
    state_->notify(observers);
    return endpoint;
}

Result<Endpoint> Manager::disconnect(std::string_view container_id, std::string_view network,
                                     sys::BorrowedFd netlink) {
    Endpoint endpoint;
    std::optional<Endpoint> next_route;
    std::set<std::string> observers;
    std::unique_lock rules_lock(state_->rules);
    {
        auto locked = state_->tables.lock();
        LiveNetwork* live = locked->find(network);
        if (!live) return fail(ErrorCode::NotFound, "network ", network, " not found");
        Endpoint* found = locked->find_endpoint(container_id, live->network.id);
        if (!found) {
            return fail(ErrorCode::PermissionDenied, "container ", container_id,
                        " is not connected to network ", live->network.spec.name);
        }
        endpoint = *found;
        observers = locked->observers_of(endpoint);
        auto& list = locked->endpoints.at(std::string(container_id));
        std::erase_if(list, [&](const auto& other) { return other.id == endpoint.id; });
        for (auto& other : list) {
            if (!endpoint.default_route || next_route) break;
            if (locked->networks.at(other.network_id).network.spec.internal) continue;
            other.default_route = true;
            next_route = other;
        }
        if (list.empty()) locked->endpoints.erase(std::string(container_id));
    }
    auto rules = state_->firewall->change(rules_of(endpoint, NftKind::Delete));
    if (rules.is_error() && !rules.error().is(ErrorCode::NotFound)) {
        log.warn("published ports were not withdrawn, continuing",
                 {{"container", container_id}, {"error", rules.error().message()}});
    }
    rules_lock.unlock();
    TRY(state_->links->disconnect(endpoint.host_link));
    if (next_route) {
        TRY(state_->links->set_default_routes(next_route->interface, gateways_of(*next_route),
                                              netlink));
        TRY(store_endpoints(state_->database, std::span(&*next_route, 1)));
    }
    TRY(delete_endpoints(state_->database, std::span(&endpoint, 1)));
    state_->tables.lock()->forget(endpoint);
    state_->notify(observers);
    return endpoint;
}

Result<std::vector<Endpoint>> Manager::release(std::string_view container_id) {
    std::vector<Endpoint> gone;
    std::set<std::string> observers;
    std::unique_lock rules_lock(state_->rules);
    {
        auto locked = state_->tables.lock();
        auto found = locked->endpoints.find(std::string(container_id));
        if (found == locked->endpoints.end()) return gone;
        gone = found->second;
        for (const auto& endpoint : gone) observers.merge(locked->observers_of(endpoint));
        locked->endpoints.erase(found);
    }
    observers.erase(std::string(container_id));
    std::vector<sys::NftChange> changes;
    for (const auto& endpoint : gone) {
        for (auto& change : rules_of(endpoint, NftKind::Delete))
            changes.push_back(std::move(change));
    }
    // A table that is gone has no elements to delete.
    auto rules = state_->firewall->change(std::move(changes));
    if (rules.is_error() && !rules.error().is(ErrorCode::NotFound)) return std::move(rules).error();
    rules_lock.unlock();
    for (const auto& endpoint : gone) forget_flows(*state_->firewall, endpoint);
    for (const auto& endpoint : gone) state_->reaper->expect_end_of(endpoint.host_link);
    TRY(delete_endpoints(state_->database, gone));
    {
        auto locked = state_->tables.lock();
        for (const auto& endpoint : gone) locked->forget(endpoint);
    }
    state_->notify(observers);
    return gone;
}

Result<PublishedPort> Manager::publish(std::string_view container_id, const PortRequest& port) {
    Endpoint endpoint;
    std::lock_guard rules_lock(state_->rules);
    {
        auto locked = state_->tables.lock();
        auto found = locked->endpoints.find(std::string(container_id));
        if (found == locked->endpoints.end()) {
            return fail(ErrorCode::Conflict, "container ", container_id,
                        " is on no network that can publish ports");
        }
        Endpoint& first = found->second.front();
        PortRequest one = port;
        one.is_everywhere = false;  // one port, one answer
        TRY(take_ports(*locked, first, {one}, state_->options.default_host_address));
        endpoint = first;
    }
    PublishedPort published = endpoint.ports.back();
    Endpoint only = endpoint;
    only.ports = {published};
    TRY(state_->links->allow_hairpin(endpoint.host_link));
    TRY(state_->change_rules(rules_of(only, NftKind::Add)));
    TRY(store_endpoints(state_->database, std::span(&endpoint, 1)));
    return published;
}

Result<> Manager::unpublish(std::string_view container_id, const PublishedPort& port) {
    Endpoint endpoint;
    std::lock_guard rules_lock(state_->rules);
    {
        auto locked = state_->tables.lock();
        auto found = locked->endpoints.find(std::string(container_id));
        Endpoint* owner = nullptr;
        if (found != locked->endpoints.end()) {
            for (auto& candidate : found->second) {
                if (std::erase(candidate.ports, port) > 0) owner = &candidate;
            }
        }
        if (!owner)
            return fail(ErrorCode::NotFound, "port ", port.host_text(), " is not published");
        locked->remove_port(port);
        std::erase_if(locked->reservations[owner->id],
                      [&](const auto& reservation) { return reservation.port == port.host_port; });
        endpoint = *owner;
    }
    Endpoint only = endpoint;
    only.ports = {port};
    auto rules = state_->firewall->change(rules_of(only, NftKind::Delete));
    if (rules.is_error() && !rules.error().is(ErrorCode::NotFound)) return rules;
    return store_endpoints(state_->database, std::span(&endpoint, 1));
}

std::vector<Endpoint> Manager::endpoints_of(std::string_view container_id) const {
    auto locked = state_->tables.lock();
    auto found = locked->endpoints.find(std::string(container_id));
    if (found == locked->endpoints.end()) return {};
    std::vector<Endpoint> out = found->second;
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return a.default_route > b.default_route;
    });
    return out;
}

}  // namespace berth::network
