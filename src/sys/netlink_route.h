#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sys/netlink.h"

namespace berth::sys {

// Links, addresses and routes: each function adds one message to a batch, or asks one question.
// Addresses are 4 or 16 bytes in network order, hardware addresses 6 bytes. rtnetlink(7)

/// Which link a message is about: by index, or by name when the index is 0.
struct LinkName {
    std::uint32_t index = 0;
    std::string name;
};

struct BridgeOptions {
    std::string name;
    std::string mac;
    std::uint32_t mtu = 0;
};
/// A bridge without spanning tree that forwards at once, down.
void add_bridge(NetlinkBatch& batch, const BridgeOptions& options);

struct VethOptions {
    std::string name;
    /// Index of the bridge to join; 0 for none.
    std::uint32_t master = 0;
    std::uint32_t mtu = 0;
    std::string peer_name;
    std::string peer_mac;
    /// Where the peer is born.
    BorrowedFd peer_netns = -1;
};
/// A veth pair, both ends down, the peer directly in another network namespace.
void add_veth(NetlinkBatch& batch, const VethOptions& options);

struct LinkChange {
    std::optional<bool> up;
    /// Stored with the link and shown by `ip link`: says whose it is.
    std::optional<std::string> alias;
    std::optional<std::string> new_name;
    std::optional<std::uint32_t> mtu;
    /// Moves the link into this network namespace, under its new name if there is one.
    BorrowedFd network_namespace = -1;
    /// No IPv6 address comes up by itself (IN6_ADDR_GEN_MODE_NONE).
    bool no_ipv6_autoconfiguration = false;
    /// For a bridge's port: no traffic with other isolated ports.
    bool isolated_port = false;
    /// For a bridge's port: frames may leave by the port they came in.
    bool hairpin_port = false;
};
void change_link(NetlinkBatch& batch, const LinkName& link, const LinkChange& change);
void delete_link(NetlinkBatch& batch, const LinkName& link);

/// `broadcast` is empty for IPv6 and for none. An IPv6 address is usable at once (no duplicate
/// detection).
struct AddressOptions {
    std::uint32_t link = 0;
    std::string address;
    int prefix_length = 0;
    std::string broadcast;
};
void add_address(NetlinkBatch& batch, const AddressOptions& options);
void delete_address(NetlinkBatch& batch, const AddressOptions& options);

/// An empty destination is the default route, an empty gateway a directly connected subnet.
struct RouteOptions {
    std::uint32_t link = 0;
    std::string destination;
    int prefix_length = 0;
    std::string gateway;
};
void replace_route(NetlinkBatch& batch, const RouteOptions& options);
void delete_route(NetlinkBatch& batch, const RouteOptions& options);

/// A permanent neighbour entry.
void add_neighbour(NetlinkBatch& batch, std::uint32_t link, std::string_view address,
                   std::string_view mac);

struct LinkInfo {
    std::uint32_t index = 0;
    std::string name;
    std::string kind;
    std::string alias;
    std::string mac;
    std::uint32_t master = 0;
    std::uint32_t mtu = 0;
    bool up = false;
};
/// The link's state in one message; nullopt for any other message.
std::optional<LinkInfo> parse_link(const NetlinkMessage& message);
Result<std::vector<LinkInfo>> list_links(NetlinkSocket& socket);
/// One link by name or index. NotFound when there is none.
Result<LinkInfo> find_link(NetlinkSocket& socket, const LinkName& link);

/// Waits until the links' carriers, which may just have come up, count: the kernel sees to it later
/// otherwise, and drops what is sent meanwhile. Since Linux 6.8 asking for one link does that;
/// before, this only costs the question.
Result<> settle_carriers(NetlinkSocket& socket, std::span<const LinkName> links);

struct RouteInfo {
    bool is_v4 = true;
    std::string destination;
    int prefix_length = 0;
    std::string gateway;
    std::uint32_t link = 0;
};
std::optional<RouteInfo> parse_route(const NetlinkMessage& message);
/// The routes of the main table, both families.
Result<std::vector<RouteInfo>> list_routes(NetlinkSocket& socket);

struct AddressInfo {
    std::uint32_t link = 0;
    std::string address;
    int prefix_length = 0;
    /// Of global scope and not from an advertisement or a lease: what goes with a link that moves.
    bool is_permanent = false;
};
std::optional<AddressInfo> parse_address(const NetlinkMessage& message);
Result<std::vector<AddressInfo>> list_addresses(NetlinkSocket& socket);

}  // namespace berth::sys
