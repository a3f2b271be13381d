#pragma once
#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

enum class SocketKind { Stream, SeqPacket, Datagram };

/// Sockets are close-on-exec and blocking; see set_nonblocking(). unix(7).
struct ListenOptions {
    SocketKind kind = SocketKind::Stream;
    unsigned mode = 0600;  ///< permissions of the socket file
    bool replace = false;  ///< unlink a stale socket file first
    int backlog = 128;
};

/// A listening unix socket at `path`; paths longer than sun_path are handled through a directory
/// descriptor.
Result<Fd> listen_unix(const std::string& path, const ListenOptions& options = {});
/// Fails with NotFound (no file) or Unavailable (nobody listens).
Result<Fd> connect_unix(const std::string& path, SocketKind kind = SocketKind::Stream);
/// The next connection. With a non-blocking listener, Unavailable when there is none.
Result<Fd> accept(BorrowedFd listener);
Result<std::pair<Fd, Fd>> socket_pair(SocketKind kind = SocketKind::Stream);

/// Who is at the other end of a unix socket, as of connect(2) or socketpair(2).
struct PeerCredentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
Result<PeerCredentials> peer_credentials(BorrowedFd socket);

/// Sends all bytes (a SeqPacket socket: one message) and descriptors with the first of them. Never
/// raises SIGPIPE.
Result<> send_message(BorrowedFd socket, std::span<const std::byte> bytes,
                      std::span<const int> fds = {});
Result<> send_message(BorrowedFd socket, std::string_view text, std::span<const int> fds = {});

struct Received {
    std::size_t size = 0;  ///< bytes put into the buffer; 0 means end of file
    std::vector<Fd> fds;   ///< close-on-exec
};
/// One recvmsg(2) into `buffer`. A message cut short, or with more than 16 descriptors, fails with
/// Corrupted.
Result<Received> receive_message(BorrowedFd socket, std::span<std::byte> buffer);

Result<> set_nonblocking(BorrowedFd fd, bool enabled = true);
Result<> shutdown_write(BorrowedFd socket);

/// A pipe, both ends close-on-exec: {read end, write end}.
Result<std::pair<Fd, Fd>> make_pipe(bool nonblocking = false);

}  // namespace berth::sys
