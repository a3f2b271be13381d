#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "sys/netlink.h"

namespace berth::sys {

/// One connection that the kernel tracks, as its first packet saw it.
struct TrackedFlow {
    /// IPPROTO_UDP, IPPROTO_TCP ...
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t family = 0;
    /// The attribute with addresses and ports, by which the kernel finds the flow again.
    std::string tuple;
};
std::optional<TrackedFlow> parse_tracked_flow(const NetlinkMessage& message);

/// Deletes the entries of UDP flows towards these destination ports, of both address families.
/// Success when connection tracking is not in use. `socket` is a NETLINK_NETFILTER one.
Result<> forget_udp_flows(NetlinkSocket& socket, std::span<const std::uint16_t> ports);

}  // namespace berth::sys
