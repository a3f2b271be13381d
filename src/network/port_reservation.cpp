#include "network/port_reservation.h"

#include <errno.h>

#include "sys/port_socket.h"

namespace berth::network {

Result<PortReservation> reserve_port(const IpAddress& address, Protocol protocol,
                                     std::uint16_t port) {
    sys::PortSocketOptions options{address.bytes(), port, static_cast<int>(protocol),
                                   sys::PortSharing::Exclusive};
    auto bound = sys::bind_port(options);
    if (bound.is_error() && bound.error().error_number() == EADDRINUSE && port != 0) {
        // Maybe only connections of an ended program that wait in TIME_WAIT.
        options.sharing = sys::PortSharing::IgnoreEndedConnections;
        bound = sys::bind_port(options);
    }
    if (bound.is_error()) {
        switch (bound.error().error_number()) {
            case EADDRINUSE: return fail(ErrorCode::Conflict, "address already in use");
            case EADDRNOTAVAIL:
                return fail(ErrorCode::InvalidArgument, "cannot assign requested address");
            default: return std::move(bound).error();
        }
    }
    return PortReservation{bound->port, std::move(bound->socket)};
}

}  // namespace berth::network
