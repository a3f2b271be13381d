#include "shim/event_loop.h"

#include <array>

#include "sys/memory.h"

namespace berth::shim {

Result<EventLoop> EventLoop::create() { return EventLoop(TRY(sys::Epoll::create())); }

Result<EventLoop::Id> EventLoop::add(sys::BorrowedFd fd, std::uint32_t events, Handler handler) {
    const Id id = next_id_++;
    TRY(epoll_.add(fd, events, id));
    watches_.emplace(id, Watch{fd.get(), std::make_shared<Handler>(std::move(handler))});
    return id;
}

void EventLoop::modify(Id id, std::uint32_t events) {
    if (const auto watch = watches_.find(id); watch != watches_.end()) {
        epoll_.modify(watch->second.fd, events, id)
            .ignore("a watched descriptor can always be modified");
    }
}

void EventLoop::remove(Id& id) {
    if (const auto watch = watches_.find(id); watch != watches_.end()) {
        epoll_.remove(watch->second.fd).ignore("closing would remove it too");
        watches_.erase(watch);
    }
    id = 0;
}

EventLoop::Id EventLoop::after(std::chrono::nanoseconds delay, std::function<void()> action) {
    const Id id = next_id_++;
    const SteadyTime due = std::chrono::steady_clock::now() + delay;
    timers_.emplace(std::pair(due, id), std::move(action));
    timer_times_.emplace(id, due);
    return id;
}

void EventLoop::cancel(Id& timer) {
    if (const auto time = timer_times_.find(timer); time != timer_times_.end()) {
        timers_.erase({time->second, timer});
        timer_times_.erase(time);
    }
    timer = 0;
}

std::optional<std::chrono::milliseconds> EventLoop::until_next_timer() const {
    if (timers_.empty()) return std::nullopt;
    const auto left = timers_.begin()->first.first - std::chrono::steady_clock::now();
    if (left <= left.zero()) return std::chrono::milliseconds(0);
    return std::chrono::ceil<std::chrono::milliseconds>(left);
}

void EventLoop::run_timers() {
    const SteadyTime now = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.begin()->first.first <= now && !stopped_) {
        const auto node = timers_.extract(timers_.begin());
        timer_times_.erase(node.key().second);
        node.mapped()();
    }
}

Result<> EventLoop::run() {
    constexpr std::chrono::milliseconds quiet(1000);
    std::array<epoll_event, 16> ready;
    bool is_released = false;
    while (!stopped_) {
        const auto limit = until_next_timer();
        const bool may_release = !is_released && (!limit || *limit > quiet);
        const std::size_t count = TRY(epoll_.wait(ready, may_release ? quiet : limit));
        if (count == 0 && may_release) {
            sys::release_memory_and_wait(epoll_.fd(), until_next_timer());
            is_released = true;
            continue;
        }
        is_released = false;
        for (std::size_t i = 0; i < count && !stopped_; ++i) {
            const auto watch = watches_.find(ready[i].data.u64);
            if (watch == watches_.end()) continue;  // an earlier handler of this round removed it
            const std::shared_ptr<Handler> handler = watch->second.handler;
            (*handler)(ready[i].events);
        }
        run_timers();
    }
    return {};
}

}  // namespace berth::shim
