#include "sys/epoll.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

namespace berth::sys {

Result<Epoll> Epoll::create() {
    Fd fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!fd) return Error::from_errno("epoll_create1", errno);
    return Epoll(std::move(fd));
}

namespace {
Result<> control(int epoll, int operation, int fd, std::uint32_t events, std::uint64_t tag) {
    epoll_event event{.events = events, .data = {.u64 = tag}};
    if (::epoll_ctl(epoll, operation, fd, &event) < 0) return Error::from_errno("epoll_ctl", errno);
    return {};
}
}  // namespace

Result<> Epoll::add(BorrowedFd fd, std::uint32_t events, std::uint64_t tag) {
    return control(fd_.get(), EPOLL_CTL_ADD, fd.get(), events, tag);
}
Result<> Epoll::modify(BorrowedFd fd, std::uint32_t events, std::uint64_t tag) {
    return control(fd_.get(), EPOLL_CTL_MOD, fd.get(), events, tag);
}
Result<> Epoll::remove(BorrowedFd fd) { return control(fd_.get(), EPOLL_CTL_DEL, fd.get(), 0, 0); }

Result<std::size_t> Epoll::wait(std::span<epoll_event> events,
                                std::optional<std::chrono::milliseconds> limit) {
    const int timeout = limit ? static_cast<int>(limit->count()) : -1;
    const int count =
        ::epoll_wait(fd_.get(), events.data(), static_cast<int>(events.size()), timeout);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) return 0;
    return Error::from_errno("epoll_wait", errno);
}

Result<Fd> make_eventfd() {
    Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) return Error::from_errno("eventfd", errno);
    return fd;
}

Result<Fd> make_timerfd() {
    Fd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd) return Error::from_errno("timerfd_create", errno);
    return fd;
}

namespace {
timespec to_timespec(std::chrono::nanoseconds duration) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
    return {.tv_sec = seconds.count(), .tv_nsec = (duration - seconds).count()};
}
}  // namespace

Result<> arm_timer(BorrowedFd timer, std::chrono::nanoseconds delay,
                   std::chrono::nanoseconds interval) {
    const itimerspec setting{.it_interval = to_timespec(interval), .it_value = to_timespec(delay)};
    if (::timerfd_settime(timer.get(), 0, &setting, nullptr) < 0)
        return Error::from_errno("timerfd_settime", errno);
    return {};
}

std::uint64_t drain_counter(BorrowedFd fd) {
    std::uint64_t count = 0;
    return ::read(fd.get(), &count, sizeof(count)) == sizeof(count) ? count : 0;
}

}  // namespace berth::sys
