#pragma once
#include <sys/types.h>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/process.h"

namespace berth::sys {

// Input and output that never waits, for event loops.

/// What one attempt did: bytes moved; `blocked` when nothing could move now; `ended` at the end of
/// the file or when the other side is gone.
struct Transfer {
    std::size_t bytes = 0;
    bool blocked = false;
    bool ended = false;
};
/// recv(2) with MSG_DONTWAIT, whatever the mode of the socket that others may share.
Transfer receive_some(BorrowedFd socket, std::span<std::byte> buffer);
/// send(2) with MSG_DONTWAIT | MSG_NOSIGNAL.
Transfer send_some(BorrowedFd socket, std::span<const std::byte> bytes);
/// read(2) of a non-blocking descriptor. The EIO of a terminal whose other side is closed is an
/// end.
Transfer read_some(BorrowedFd fd, std::span<std::byte> buffer);
/// write(2) to a non-blocking descriptor; SIGPIPE must be blocked or ignored.
Transfer write_some(BorrowedFd fd, std::span<const std::byte> bytes);

/// Waits until the other side has read all that was sent so far, or is gone, or `limit` is over. On
/// a unix socket its program has read it then; on others its kernel has it. ioctl(2) SIOCOUTQ.
void wait_until_read(BorrowedFd socket, std::chrono::milliseconds limit);

/// Takes one ended child of ours off the process table; nullopt when none has ended. waitpid(2)
/// with WNOHANG.
struct EndedChild {
    pid_t pid = 0;
    ExitStatus status;
};
std::optional<EndedChild> reap_any_child();

/// An unnamed file on the file system of `directory`, gone when closed. open(2) O_TMPFILE.
Result<Fd> open_unnamed_file(const std::string& directory);

}  // namespace berth::sys
