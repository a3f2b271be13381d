#include "sys/socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace berth::sys {
namespace {

constexpr std::size_t max_descriptors = 16;

int type_of(SocketKind kind) {
    switch (kind) {
        case SocketKind::Stream: return SOCK_STREAM;
        case SocketKind::SeqPacket: return SOCK_SEQPACKET;
        case SocketKind::Datagram: return SOCK_DGRAM;
    }
    return SOCK_STREAM;
}

// sun_path holds 107 characters. A longer path goes through its directory's descriptor:
// /proc/self/fd/N/name.
struct Address {
    sockaddr_un address{};
    socklen_t size = 0;
    Fd directory;
};

Result<Address> address_of(const std::string& path) {
    Address result;
    result.address.sun_family = AF_UNIX;
    std::string short_path = path;
    if (path.size() >= sizeof(result.address.sun_path)) {
        const auto slash = path.rfind('/');
        const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
        result.directory = Fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!result.directory) return Error::from_errno("open", errno).with_context(folder);
        short_path = concat("/proc/self/fd/", result.directory.get(), "/", path.substr(slash + 1));
        if (short_path.size() >= sizeof(result.address.sun_path))
            return fail(ErrorCode::InvalidArgument, "the socket's file name is too long: ", path);
    }
    std::memcpy(result.address.sun_path, short_path.c_str(), short_path.size() + 1);
    result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + short_path.size() + 1);
    return result;
}

Result<Fd> make_socket(SocketKind kind) {
    Fd fd(::socket(AF_UNIX, type_of(kind) | SOCK_CLOEXEC, 0));
    if (!fd) return Error::from_errno("socket", errno);
    return fd;
}

}  // namespace

Result<Fd> listen_unix(const std::string& path, const ListenOptions& options) {
    Fd fd = TRY(make_socket(options.kind));
    const Address address = TRY(address_of(path));
    if (options.replace && ::unlink(path.c_str()) < 0 && errno != ENOENT)
        return Error::from_errno("unlink", errno).with_context(path);
    // The file is born with the socket's mode, so nobody can connect between bind and a chmod.
    if (::fchmod(fd.get(), options.mode) < 0) return Error::from_errno("fchmod", errno);
    const mode_t old_mask = ::umask(0777 & ~options.mode);
    const int bound =
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size);
    const int bind_error = errno;
    ::umask(old_mask);
    if (bound < 0) return Error::from_errno("bind", bind_error).with_context(path);
    if (options.kind != SocketKind::Datagram && ::listen(fd.get(), options.backlog) < 0)
        return Error::from_errno("listen", errno).with_context(path);
    return fd;
}

Result<Fd> connect_unix(const std::string& path, SocketKind kind) {
    Fd fd = TRY(make_socket(kind));
    const Address address = TRY(address_of(path));
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size) <
           0) {
        if (errno != EINTR) return Error::from_errno("connect", errno).with_context(path);
    }
    return fd;
}

Result<Fd> accept(BorrowedFd listener) {
    for (;;) {
        Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (fd) return fd;
        if (errno != EINTR && errno != ECONNABORTED) return Error::from_errno("accept4", errno);
    }
}

Result<std::pair<Fd, Fd>> socket_pair(SocketKind kind) {
    int fds[2];
    if (::socketpair(AF_UNIX, type_of(kind) | SOCK_CLOEXEC, 0, fds) < 0)
        return Error::from_errno("socketpair", errno);
    return std::pair(Fd(fds[0]), Fd(fds[1]));
}

Result<PeerCredentials> peer_credentials(BorrowedFd socket) {
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return Error::from_errno("getsockopt(SO_PEERCRED)", errno);
    return PeerCredentials{.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
}

Result<> send_message(BorrowedFd socket, std::span<const std::byte> bytes,
                      std::span<const int> fds) {
    if (fds.size() > max_descriptors)
        return fail(ErrorCode::InvalidArgument, "too many descriptors in one message");
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_descriptors)] = {};
    while (true) {
        iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (!fds.empty()) {
            message.msg_control = control;
            message.msg_controllen = CMSG_SPACE(fds.size_bytes());
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(fds.size_bytes());
            std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
        }
        const ssize_t sent = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            return Error::from_errno("sendmsg", errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
        fds = {};
        if (bytes.empty()) return {};
    }
}

Result<> send_message(BorrowedFd socket, std::string_view text, std::span<const int> fds) {
    return send_message(socket, as_bytes(text), fds);
}

Result<Received> receive_message(BorrowedFd socket, std::span<std::byte> buffer) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * max_descriptors)];
    iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t size;
    while ((size = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC)) < 0) {
        if (errno != EINTR) return Error::from_errno("recvmsg", errno);
    }
    Received received{.size = static_cast<std::size_t>(size), .fds = {}};
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            received.fds.emplace_back(fd);
        }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return fail(ErrorCode::Corrupted, "a message was cut short");
    return received;
}

Result<> set_nonblocking(BorrowedFd fd, bool enabled) {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0) return Error::from_errno("fcntl(F_GETFL)", errno);
    if (::fcntl(fd.get(), F_SETFL, enabled ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
        return Error::from_errno("fcntl(F_SETFL)", errno);
    return {};
}

Result<> shutdown_write(BorrowedFd socket) {
    if (::shutdown(socket.get(), SHUT_WR) < 0) return Error::from_errno("shutdown", errno);
    return {};
}

Result<std::pair<Fd, Fd>> make_pipe(bool nonblocking) {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0)) < 0)
        return Error::from_errno("pipe2", errno);
    return std::pair(Fd(fds[0]), Fd(fds[1]));
}

}  // namespace berth::sys
