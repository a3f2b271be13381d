#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "network/address.h"
#include "network/port.h"

namespace berth::network {

using StringMap = std::map<std::string, std::string>;

/// Addresses that a network hands out: one entry of the API's IPAM.Config.
struct Pool {
    Prefix subnet;
    /// Addresses come from here instead of from all of the subnet.
    std::optional<Prefix> range;
    /// Chosen (the subnet's first address) when absent.
    std::optional<IpAddress> gateway;
    /// Addresses never handed out, by name.
    std::map<std::string, IpAddress> auxiliary;
};

/// What the creator of a network asks for.
struct NetworkSpec {
    std::string name;
    std::string driver = "bridge";
    StringMap labels;
    /// Driver options, e.g. com.docker.network.driver.mtu, com.docker.network.bridge.name /
    /// .enable_icc / .enable_ip_masquerade.
    StringMap options;
    std::string ipam_driver = "default";
    StringMap ipam_options;
    /// Empty: the next free default pool.
    std::vector<Pool> pools;
    /// No way out of the network, and none in.
    bool internal = false;
    bool attachable = false;
    bool enable_ipv6 = false;
};

/// A network as it exists. `spec.pools` is complete: subnet and gateway are filled in.
struct Network {
    std::string id;
    Timestamp created;
    NetworkSpec spec;
    /// The bridge's link name on the host; empty for host and none.
    std::string bridge;

    bool is_predefined() const {
        return spec.name == "bridge" || spec.name == "host" || spec.name == "none";
    }
    bool is_bridge() const { return spec.driver == "bridge"; }
};

/// How a container wants to be on a network. Filled from the container's spec at every start.
struct EndpointRequest {
    /// Name, id or unambiguous id prefix.
    std::string network;
    std::string container_id;
    std::string container_name;
    std::string hostname;
    /// Further names for this container on this network.
    std::vector<std::string> aliases;
    /// Names that only this container sees: (container id, alias), as from --link.
    std::vector<std::pair<std::string, std::string>> links;
    std::optional<IpAddress> address;
    std::optional<IpAddress> address_v6;
    /// Further addresses of the link inside, which nobody else manages.
    std::vector<IpAddress> link_local;
    /// "02:42:ac:11:00:02", chosen from the address when empty.
    std::string mac;
    /// Published through this endpoint.
    std::vector<PortRequest> ports;
};

/// A container's place on a network, alive from connect() until disconnect() or release().
struct Endpoint {
    std::string id;
    std::string network_id;
    std::string network_name;
    std::string container_id;
    std::string container_name;
    /// The link inside the container ("eth0"), and its peer on the host.
    std::string interface;
    std::string host_link;
    std::string mac;
    /// With the subnet's prefix length.
    Prefix address;
    IpAddress gateway;
    std::optional<Prefix> address_v6;
    std::optional<IpAddress> gateway_v6;
    /// Whether the container's default route goes through this endpoint.
    bool default_route = false;
    std::vector<std::string> aliases;
    /// Every name this container answers to on the network: name, aliases, short id.
    std::vector<std::string> dns_names;
    std::vector<std::pair<std::string, std::string>> links;
    std::vector<PublishedPort> ports;
};

/// One line of a container's name table.
struct Name {
    std::string name;
    IpAddress address;
    auto operator<=>(const Name&) const = default;
};

/// What a container's resolver answers by itself; everything else goes to the host's resolvers
/// (unless `forward_upstream` is false). Several entries of one name are all answered, in an order
/// that rotates.
struct NameTable {
    std::vector<Name> forward;
    /// For PTR questions: "web.front".
    std::vector<Name> reverse;
    bool forward_upstream = true;
};

}  // namespace berth::network
