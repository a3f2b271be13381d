#pragma once
#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// A set of descriptors to wait for, each with a number of the caller's choice. epoll(7).
class Epoll {
public:
    static Result<Epoll> create();
    /// `events` are EPOLLIN, EPOLLOUT ...
    Result<> add(BorrowedFd fd, std::uint32_t events, std::uint64_t tag);
    Result<> modify(BorrowedFd fd, std::uint32_t events, std::uint64_t tag);
    Result<> remove(BorrowedFd fd);
    /// Fills `events` (events[i].data.u64 is the tag) and returns how many; 0 when the limit passed
    /// or a signal came.
    Result<std::size_t> wait(std::span<epoll_event> events,
                             std::optional<std::chrono::milliseconds> limit = {});
    BorrowedFd fd() const { return fd_; }

private:
    explicit Epoll(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

/// A counter to wake a poller with. eventfd(2).
Result<Fd> make_eventfd();
/// A timer that becomes readable; see arm_timer(). timerfd_create(2), CLOCK_MONOTONIC (BOOTTIME is
/// not needed).
Result<Fd> make_timerfd();
/// Fires once after `delay` (zero disarms), then every `interval` unless zero.
Result<> arm_timer(BorrowedFd timer, std::chrono::nanoseconds delay,
                   std::chrono::nanoseconds interval = {});
/// Takes the count of an eventfd or timerfd; 0 when nothing is there.
std::uint64_t drain_counter(BorrowedFd fd);

}  // namespace berth::sys
