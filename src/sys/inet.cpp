#include "sys/inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>

#include <cstring>

namespace berth::sys {
namespace {

Result<Fd> make_socket(int family, int type) {
    const int number = ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0) return Error::from_errno("socket", errno);
    return Fd(number);
}

const sockaddr* raw(const SocketAddress& address) {
    return reinterpret_cast<const sockaddr*>(&address.storage);
}

Result<Fd> make_bound(const SocketAddress& address, int type) {
    Fd socket = TRY(make_socket(address.storage.ss_family, type));
    const int one = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (::bind(socket.get(), raw(address), address.length) != 0)
        return Error::from_errno("bind", errno);
    return socket;
}

Result<Fd> make_connected(const SocketAddress& address, int type) {
    Fd socket = TRY(make_socket(address.storage.ss_family, type));
    if (::connect(socket.get(), raw(address), address.length) != 0 && errno != EINPROGRESS) {
        return Error::from_errno("connect", errno);
    }
    return socket;
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(const std::string& address, std::uint16_t port) {
    SocketAddress out;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        out.length = sizeof(sockaddr_in);
        return out;
    }
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    const std::size_t zone = address.find('%');
    if (::inet_pton(AF_INET6, address.substr(0, zone).c_str(), &v6->sin6_addr) != 1) {
        return fail(ErrorCode::InvalidArgument, "not an IP address: ", address);
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.length = sizeof(sockaddr_in6);
    return out;
}

SocketAddress SocketAddress::of_bytes(std::string_view bytes, std::uint16_t port) {
    SocketAddress out;
    if (bytes.size() == 4) {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        std::memcpy(&v4->sin_addr, bytes.data(), 4);
        out.length = sizeof(sockaddr_in);
    } else if (bytes.size() == 16) {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        std::memcpy(&v6->sin6_addr, bytes.data(), 16);
        out.length = sizeof(sockaddr_in6);
    }
    return out;
}

std::uint16_t SocketAddress::port() const {
    if (storage.ss_family == AF_INET6)
        return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

Result<Fd> bind_udp(const SocketAddress& address) { return make_bound(address, SOCK_DGRAM); }
Result<Fd> connect_udp(const SocketAddress& address) { return make_connected(address, SOCK_DGRAM); }
Result<Fd> connect_tcp(const SocketAddress& address) {
    return make_connected(address, SOCK_STREAM);
}

Result<Fd> listen_tcp(const SocketAddress& address, int backlog) {
    Fd socket = TRY(make_bound(address, SOCK_STREAM));
    if (::listen(socket.get(), backlog) != 0) return Error::from_errno("listen", errno);
    return socket;
}

int socket_error(BorrowedFd socket) {
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

std::optional<Datagram> receive_datagram(BorrowedFd socket, std::span<std::byte> buffer) {
    Datagram out;
    out.from.length = sizeof(out.from.storage);
    ssize_t count = 0;
    do {
        count = ::recvfrom(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                           reinterpret_cast<sockaddr*>(&out.from.storage), &out.from.length);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return std::nullopt;
    out.size = static_cast<std::size_t>(count);
    return out;
}

void send_datagram(BorrowedFd socket, std::span<const std::byte> bytes, const SocketAddress& to) {
    ::sendto(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, raw(to),
             to.length);
}

}  // namespace berth::sys
