#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// An address with a port, as the kernel wants it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    /// `address` is IPv4 or IPv6 text without brackets (a zone "%eth0" is allowed). InvalidArgument
    /// otherwise.
    static Result<SocketAddress> parse(const std::string& address, std::uint16_t port);
    /// From 4 or 16 bytes in network order.
    static SocketAddress of_bytes(std::string_view bytes, std::uint16_t port);
    std::uint16_t port() const;
};

/// Sockets of the network namespace this process is in, non-blocking and close-on-exec.
Result<Fd> bind_udp(const SocketAddress& address);
Result<Fd> connect_udp(const SocketAddress& address);
Result<Fd> listen_tcp(const SocketAddress& address, int backlog = 16);
/// Starts to connect; writable when done, see socket_error().
Result<Fd> connect_tcp(const SocketAddress& address);
/// The pending error of a socket as an errno; 0: none. SO_ERROR.
int socket_error(BorrowedFd socket);

/// One datagram; nullopt when none is there. A datagram longer than the buffer is cut.
struct Datagram {
    std::size_t size = 0;
    SocketAddress from;
};
std::optional<Datagram> receive_datagram(BorrowedFd socket, std::span<std::byte> buffer);
/// Best effort, like every datagram.
void send_datagram(BorrowedFd socket, std::span<const std::byte> bytes, const SocketAddress& to);

}  // namespace berth::sys
