#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

enum class PortSharing : std::uint8_t {
    /// The port must be wholly unused.
    Exclusive,
    /// Connections of an ended program in TIME_WAIT do not count.
    IgnoreEndedConnections,
};

struct PortSocketOptions {
    /// 4 or 16 bytes in network order.
    std::string address;
    /// 0: the kernel chooses.
    std::uint16_t port = 0;
    /// IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP.
    int protocol = 0;
    PortSharing sharing = PortSharing::Exclusive;
};

struct PortSocket {
    Fd socket;
    std::uint16_t port = 0;
};

/// A bound socket that neither listens nor receives; while it is open nobody else can use the port.
/// bind(2)
Result<PortSocket> bind_port(const PortSocketOptions& options);

}  // namespace berth::sys
