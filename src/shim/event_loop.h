#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "sys/epoll.h"

namespace berth::shim {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Calls handlers when descriptors are ready and timers are due, one after another. A handler may
/// add and remove anything, itself included.
class EventLoop {
public:
    using Handler = std::function<void(std::uint32_t events)>;
    using Id = std::uint64_t;  // 0 is never used

    static Result<EventLoop> create();

    /// The descriptor stays the caller's and must be removed before it is closed.
    Result<Id> add(sys::BorrowedFd fd, std::uint32_t events, Handler handler);
    void modify(Id id, std::uint32_t events);
    void remove(Id& id);

    /// Runs `action` once after `delay`.
    Id after(std::chrono::nanoseconds delay, std::function<void()> action);
    void cancel(Id& timer);

    /// Handles what happens until stop(). After a second without anything the process's memory goes
    /// back, as a shim waits for nearly all of its life.
    Result<> run();
    void stop() { stopped_ = true; }

private:
    struct Watch {
        int fd;
        std::shared_ptr<Handler> handler;
    };
    explicit EventLoop(sys::Epoll epoll) : epoll_(std::move(epoll)) {}
    std::optional<std::chrono::milliseconds> until_next_timer() const;
    void run_timers();

    sys::Epoll epoll_;
    std::map<Id, Watch> watches_;
    std::map<std::pair<SteadyTime, Id>, std::function<void()>> timers_;
    std::map<Id, SteadyTime> timer_times_;
    Id next_id_ = 1;
    bool stopped_ = false;
};

}  // namespace berth::shim
