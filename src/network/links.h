#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "network/network.h"
#include "sys/netlink_route.h"

namespace berth::network {

/// The links of our networks in the host's namespace, and the container's end of each. Every link
/// we make carries an alias "berth:<instance>:<id>", so that what a crash left behind can be told
/// from other people's. Thread-safe.
class Links {
public:
    static Result<std::unique_ptr<Links>> open(std::string instance);

    /// What the bridge of a network is like.
    struct BridgePlan {
        std::string name;
        std::string network_id;
        std::vector<Prefix> addresses;
        std::uint32_t mtu = 0;
        /// Whether IPv6 is on at all.
        bool ipv6 = false;
    };
    /// Makes the bridge with its addresses and brings it up, or puts right what differs; gives its
    /// index.
    Result<std::uint32_t> ensure_bridge(const BridgePlan& plan);
    Result<> delete_bridge(const std::string& name);

    struct EndpointPlan {
        std::string host_link;
        std::string endpoint_id;
        std::uint32_t bridge = 0;
        std::uint32_t mtu = 0;
        std::string interface;
        std::string mac;
        std::vector<Prefix> addresses;
        /// The default routes to add; empty for an internal network or when another endpoint has
        /// them.
        std::vector<IpAddress> gateways;
        bool isolated_port = false;
        /// For a container with published ports, which may call itself through them.
        bool hairpin_port = false;
        bool ipv6 = false;
    };
    /// The veth pair, ready for packets: two batches, one outside and one inside.
    Result<> connect(const EndpointPlan& plan, sys::BorrowedFd netns, sys::BorrowedFd netlink);
    /// Lets the container call itself through a port that is published later.
    Result<> allow_hairpin(const std::string& host_link);
    /// Deletes the pair by its host end; success when it went with the container's namespace.
    Result<> disconnect(const std::string& host_link);
    /// Adds default routes through `interface` in the container.
    Result<> set_default_routes(const std::string& interface,
                                const std::vector<IpAddress>& gateways, sys::BorrowedFd netlink);

    /// Our links: (name, id in the alias).
    struct OwnLink {
        std::string name;
        std::string kind;
        std::string id;
    };
    Result<std::vector<OwnLink>> list_own();
    /// Subnets that the host has addresses in or routes to, except default routes and our bridges.
    Result<std::vector<Prefix>> routed_subnets();
    /// MTU of the link of the default route; 1500 without one.
    Result<std::uint32_t> route_mtu();
    Result<bool> has_link(const std::string& name);

private:
    Links(std::string instance, sys::NetlinkSocket socket)
        : instance_(std::move(instance)), socket_(std::move(socket)) {}
    std::string alias_of(const std::string& id) const;
    Result<> connect_outside(const EndpointPlan& plan, sys::BorrowedFd netns);

    std::string instance_;
    Guarded<sys::NetlinkSocket> socket_;
};

}  // namespace berth::network
