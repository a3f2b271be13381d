#include "network/links.h"

#include <errno.h>
#include <linux/netlink.h>

#include <algorithm>

#include "base/text.h"
#include "network/ipam.h"
#include "sys/file.h"

namespace berth::network {

namespace {
Result<> set_sysctl(const std::string& name, std::string_view value) {
    return sys::write_file(concat("/proc/sys/", name), value).context("set ", name);
}

sys::AddressOptions address_on(std::uint32_t link, const Prefix& prefix) {
    // A container's broadcast address as Docker sets it; /31 and /32 have none.
    bool has_broadcast = prefix.address.is_v4() && prefix.length < 31;
    return {link, prefix.address.bytes(), prefix.length,
            has_broadcast ? prefix.last().bytes() : std::string()};
}

Prefix to_prefix(std::string_view bytes, int length) {
    IpAddress::Number number = 0;
    for (char byte : bytes) number = (number << 8) | static_cast<unsigned char>(byte);
    return {IpAddress(bytes.size() == 16 ? Family::V6 : Family::V4, number), length};
}

bool is_gone(const Error& error) {
    return error.error_number() == ENODEV || error.is(ErrorCode::NotFound);
}
}  // namespace

Result<std::unique_ptr<Links>> Links::open(std::string instance) {
    auto socket = TRY(sys::NetlinkSocket::open(NETLINK_ROUTE));
    return std::unique_ptr<Links>(new Links(std::move(instance), std::move(socket)));
}

std::string Links::alias_of(const std::string& id) const {
    return concat("berth:", instance_, ':', id);
}

Result<std::uint32_t> Links::ensure_bridge(const BridgePlan& plan) {
    auto socket = socket_.lock();
    auto found = sys::find_link(*socket, {.index = 0, .name = plan.name});
    if (found.is_error() && !found.error().is(ErrorCode::NotFound)) return std::move(found).error();
    if (found.is_error()) {
        sys::NetlinkBatch create;
        // A fixed hardware address: a bridge without one takes the lowest of its ports and changes
        // as they come and go.
        std::string mac = TRY(parse_mac(mac_for(plan.addresses.front().address)));
        sys::add_bridge(create, {.name = plan.name, .mac = std::move(mac), .mtu = plan.mtu});
        TRY(socket->transact(create));
        found = TRY(sys::find_link(*socket, {.index = 0, .name = plan.name}));
    } else if (found->kind != "bridge") {
        return fail(ErrorCode::Conflict, "link ", plan.name, " exists and is no bridge");
    }
    sys::NetlinkBatch batch;
    for (const auto& prefix : plan.addresses) {
        if (prefix.address.is_v4() || plan.ipv6)
            sys::add_address(batch, address_on(found->index, prefix));
    }
    // Before it is up: nothing of IPv6 starts by itself on a bridge of an IPv4 network.
    sys::change_link(
        batch, {.index = found->index, .name = plan.name},
        {.up = true, .alias = alias_of(plan.network_id), .no_ipv6_autoconfiguration = !plan.ipv6});
    TRY(socket->transact(batch));
    // Answers to connections from the host's loopback come in by the bridge (ruleset.cpp, `guard`
    // limits it to those).
    TRY(set_sysctl(concat("net/ipv4/conf/", plan.name, "/route_localnet"), "1"));
    // The host never configures itself from what a container announces.
    set_sysctl(concat("net/ipv6/conf/", plan.name, "/accept_ra"), "0")
        .ignore("the kernel may have no IPv6");
    return found->index;
}

Result<> Links::delete_bridge(const std::string& name) {
    sys::NetlinkBatch batch;
    sys::delete_link(batch, {.index = 0, .name = name});
    auto done = socket_.lock()->transact(batch);
    if (done.is_error() && !is_gone(done.error())) return done;
    return {};
}

Result<> Links::connect_outside(const EndpointPlan& plan, sys::BorrowedFd netns) {
    std::string mac = TRY(parse_mac(plan.mac));
    sys::NetlinkBatch batch;
    sys::add_veth(batch, {.name = plan.host_link,
                          .master = plan.bridge,
                          .mtu = plan.mtu,
                          .peer_name = plan.interface,
                          .peer_mac = std::move(mac),
                          .peer_netns = netns});
    sys::change_link(batch, {.index = 0, .name = plan.host_link},
                     {.up = true,
                      .alias = alias_of(plan.endpoint_id),
                      .no_ipv6_autoconfiguration = true,
                      .isolated_port = plan.isolated_port,
                      .hairpin_port = plan.hairpin_port});
    return socket_.lock()->transact(batch);
}

Result<> Links::connect(const EndpointPlan& plan, sys::BorrowedFd netns, sys::BorrowedFd netlink) {
    TRY(connect_outside(plan, netns));
    auto inside = sys::NetlinkSocket::borrow(netlink);
    std::uint32_t index = TRY(sys::find_link(inside, {.index = 0, .name = plan.interface})).index;
    sys::NetlinkBatch batch;
    sys::change_link(batch, {.index = 1, .name = {}}, {.up = true});  // lo
    if (!plan.ipv6)
        sys::change_link(batch, {.index = index, .name = {}}, {.no_ipv6_autoconfiguration = true});
    for (const auto& prefix : plan.addresses) sys::add_address(batch, address_on(index, prefix));
    sys::change_link(batch, {.index = index, .name = {}}, {.up = true});
    for (const auto& gateway : plan.gateways) {
        sys::replace_route(
            batch,
            {.link = index, .destination = {}, .prefix_length = 0, .gateway = gateway.bytes()});
    }
    auto done = inside.transact(batch);
    // First the port, whose carrier makes the bridge's. The end inside came up with its carrier on
    // already.
    const sys::LinkName ends[] = {{0, plan.host_link}, {plan.bridge, {}}};
    if (!done.is_error()) done = sys::settle_carriers(*socket_.lock(), ends);
    if (done.is_error()) disconnect(plan.host_link).ignore("the first error is the one to report");
    return done;
}

// Where br_netfilter is on, a bridged packet is rewritten while it is still a frame, and then has
// to leave by the port it came in when a container calls its own published port.
Result<> Links::allow_hairpin(const std::string& host_link) {
    sys::NetlinkBatch batch;
    sys::change_link(batch, {.index = 0, .name = host_link}, {.hairpin_port = true});
    return socket_.lock()->transact(batch);
}

Result<> Links::disconnect(const std::string& host_link) {
    sys::NetlinkBatch batch;
    sys::delete_link(batch, {.index = 0, .name = host_link});
    auto done = socket_.lock()->transact(batch);
    if (done.is_error() && !is_gone(done.error())) return done;
    return {};
}

Result<> Links::set_default_routes(const std::string& interface,
                                   const std::vector<IpAddress>& gateways,
                                   sys::BorrowedFd netlink) {
    auto inside = sys::NetlinkSocket::borrow(netlink);
    auto link = TRY(sys::find_link(inside, {.index = 0, .name = interface}));
    sys::NetlinkBatch batch;
    for (const auto& gateway : gateways) {
        sys::replace_route(batch, {.link = link.index,
                                   .destination = {},
                                   .prefix_length = 0,
                                   .gateway = gateway.bytes()});
    }
    return inside.transact(batch);
}

Result<std::vector<Links::OwnLink>> Links::list_own() {
    std::string prefix = alias_of("");
    std::vector<OwnLink> out;
    for (auto& link : TRY(sys::list_links(*socket_.lock()))) {
        if (link.alias.starts_with(prefix))
            out.push_back({link.name, link.kind, link.alias.substr(prefix.size())});
    }
    return out;
}

Result<std::vector<Prefix>> Links::routed_subnets() {
    auto socket = socket_.lock();
    std::vector<Prefix> out;
    for (const auto& route : TRY(sys::list_routes(*socket))) {
        if (route.prefix_length > 0)
            out.push_back(to_prefix(route.destination, route.prefix_length));
    }
    for (const auto& address : TRY(sys::list_addresses(*socket))) {
        out.push_back(to_prefix(address.address, address.prefix_length).network());
    }
    return out;
}

Result<std::uint32_t> Links::route_mtu() {
    auto socket = socket_.lock();
    for (const auto& route : TRY(sys::list_routes(*socket))) {
        if (!route.is_v4 || route.prefix_length != 0 || route.link == 0) continue;
        return TRY(sys::find_link(*socket, {.index = route.link, .name = {}})).mtu;
    }
    return 1500;
}

Result<bool> Links::has_link(const std::string& name) {
    auto socket = socket_.lock();
    auto found = sys::find_link(*socket, {.index = 0, .name = name});
    if (found.is_error() && !found.error().is(ErrorCode::NotFound)) return std::move(found).error();
    return !found.is_error();
}

}  // namespace berth::network
