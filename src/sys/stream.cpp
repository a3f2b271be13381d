#include "sys/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"

namespace berth::sys {
namespace {

template <typename Call>
Transfer attempt(Call call, bool zero_is_end) {
    ssize_t count = 0;
    do {
        count = call();
    } while (count < 0 && errno == EINTR);
    if (count > 0) return {.bytes = static_cast<std::size_t>(count)};
    if (count == 0) return {.ended = zero_is_end};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {.blocked = true};
    return {.ended = true};
}

}  // namespace

Transfer receive_some(BorrowedFd socket, std::span<std::byte> buffer) {
    return attempt([&] { return ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT); },
                   true);
}

Transfer send_some(BorrowedFd socket, std::span<const std::byte> bytes) {
    return attempt(
        [&] {
            return ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        },
        false);
}

Transfer read_some(BorrowedFd fd, std::span<std::byte> buffer) {
    return attempt([&] { return ::read(fd.get(), buffer.data(), buffer.size()); }, true);
}

Transfer write_some(BorrowedFd fd, std::span<const std::byte> bytes) {
    return attempt([&] { return ::write(fd.get(), bytes.data(), bytes.size()); }, false);
}

void wait_until_read(BorrowedFd socket, std::chrono::milliseconds limit) {
    using namespace std::chrono;
    constexpr microseconds first_pause = 20us, longest_pause = 1ms;
    const auto deadline = steady_clock::now() + limit;
    int unread = 0;
    // No event tells this moment, so it is looked for; a pause ends at once when the other side
    // hangs up.
    for (microseconds pause = first_pause;
         ::ioctl(socket.get(), SIOCOUTQ, &unread) == 0 && unread > 0;
         pause = std::min(2 * pause, longest_pause)) {
        if (steady_clock::now() >= deadline) return;
        pollfd hangup{.fd = socket.get(), .events = 0, .revents = 0};
        const timespec time{.tv_sec = 0, .tv_nsec = nanoseconds(pause).count()};
        if (::ppoll(&hangup, 1, &time, nullptr) != 0) return;
    }
}

std::optional<EndedChild> reap_any_child() {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return std::nullopt;
    return EndedChild{.pid = pid, .status = ExitStatus::from_wait_status(status)};
}

Result<Fd> open_unnamed_file(const std::string& directory) {
    return open(directory, O_TMPFILE | O_RDWR, 0600);
}

}  // namespace berth::sys
