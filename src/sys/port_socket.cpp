#include "sys/port_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace berth::sys {

Result<PortSocket> bind_port(const PortSocketOptions& options) {
    bool is_v6 = options.address.size() == 16;
    int type = options.protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    Fd socket(::socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, options.protocol));
    if (!socket) return Error::from_errno("socket", errno);
    int on = 1;
    int off = 0;
    int smallest = 1;
    if (is_v6) (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
    bool shares = options.sharing == PortSharing::IgnoreEndedConnections && type == SOCK_STREAM;
    if (shares) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    sockaddr_in6 v6{};
    sockaddr_in v4{};
    v6.sin6_family = AF_INET6;
    v4.sin_family = AF_INET;
    v6.sin6_port = v4.sin_port = htons(options.port);
    if (is_v6) std::memcpy(&v6.sin6_addr, options.address.data(), 16);
    if (!is_v6) std::memcpy(&v4.sin_addr, options.address.data(), 4);
    auto* address = is_v6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    socklen_t size = is_v6 ? sizeof(v6) : sizeof(v4);
    if (::bind(socket.get(), address, size) != 0) return Error::from_errno("bind", errno);
    // With the option off again, a later program that sets it for itself still finds the port
    // taken.
    if (shares) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
    if (::getsockname(socket.get(), address, &size) != 0)
        return Error::from_errno("getsockname", errno);
    return PortSocket{std::move(socket), ntohs(is_v6 ? v6.sin6_port : v4.sin_port)};
}

}  // namespace berth::sys
