#include "sys/poll.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace berth::sys {

namespace {

Result<bool> wait_for(BorrowedFd fd, short events, std::optional<std::chrono::milliseconds> limit) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = limit ? std::optional(Clock::now() + *limit) : std::nullopt;
    while (true) {
        int timeout = -1;
        if (deadline) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
            timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
        }
        pollfd entry{fd.get(), events, 0};
        const int count = ::poll(&entry, 1, timeout);
        if (count > 0) return true;
        if (count == 0) return false;
        if (errno != EINTR) return Error::from_errno("poll", errno);
    }
}

}  // namespace

Result<bool> wait_readable(BorrowedFd fd, std::optional<std::chrono::milliseconds> limit) {
    return wait_for(fd, POLLIN, limit);
}

Result<bool> wait_writable(BorrowedFd fd, std::optional<std::chrono::milliseconds> limit) {
    return wait_for(fd, POLLOUT, limit);
}

void shutdown_both(BorrowedFd socket) { ::shutdown(socket.get(), SHUT_RDWR); }

Result<std::size_t> send_file(BorrowedFd socket, BorrowedFd file, std::uint64_t offset,
                              std::size_t bytes) {
    while (true) {
        off_t position = static_cast<off_t>(offset);
        const ssize_t count = ::sendfile(socket.get(), file.get(), &position, bytes);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno != EINTR) return Error::from_errno("sendfile", errno);
    }
}

void set_no_delay(BorrowedFd socket) {
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Result<std::uint16_t> local_port(BorrowedFd socket) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) < 0)
        return Error::from_errno("getsockname", errno);
    if (address.ss_family == AF_INET)
        return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
    return fail(ErrorCode::InvalidArgument, "not an internet socket");
}

std::string peer_address(BorrowedFd socket) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) < 0)
        return "unknown";
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
        return concat(std::string_view(text), ":", ntohs(in.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        const auto& in6 = reinterpret_cast<sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
        return concat("[", std::string_view(text), "]:", ntohs(in6.sin6_port));
    }
    return "unix";
}

}  // namespace berth::sys
