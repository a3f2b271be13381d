#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// Waits until the descriptor can be read (or its other side is gone); false when the limit passed
/// first. poll(2).
Result<bool> wait_readable(BorrowedFd fd, std::optional<std::chrono::milliseconds> limit = {});
/// The same for writing.
Result<bool> wait_writable(BorrowedFd fd, std::optional<std::chrono::milliseconds> limit = {});
/// Ends both directions of a connection: whoever is blocked on it, in any thread, wakes up.
/// shutdown(2).
void shutdown_both(BorrowedFd socket);
/// Copies file bytes to a socket inside the kernel; how many were taken, 0 at the end of the file.
/// sendfile(2).
Result<std::size_t> send_file(BorrowedFd socket, BorrowedFd file, std::uint64_t offset,
                              std::size_t bytes);
/// Small writes leave at once. TCP_NODELAY; does nothing for other sockets.
void set_no_delay(BorrowedFd socket);
/// The port a TCP socket is bound to.
Result<std::uint16_t> local_port(BorrowedFd socket);
/// The other side as "address:port", or "unix".
std::string peer_address(BorrowedFd socket);

}  // namespace berth::sys
