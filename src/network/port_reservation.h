#pragma once
#include "network/port.h"
#include "sys/fd.h"

namespace berth::network {

/// A host port held by a bound socket, so that no other program takes it and a later one of ours
/// finds it taken. Packets never reach the socket: they are rewritten before. Dropping it frees the
/// port.
struct PortReservation {
    std::uint16_t port = 0;
    sys::Fd socket;
};

/// Binds `port` of `address`; 0 takes any free port of the host's ephemeral range. Conflict:
/// "address already in use" when a program of the host uses it, PermissionDenied, InvalidArgument
/// for an address that the host does not have.
Result<PortReservation> reserve_port(const IpAddress& address, Protocol protocol,
                                     std::uint16_t port);

}  // namespace berth::network
