#include <array>

#include "http/server_connection_internal.h"

namespace berth::http {

Result<std::unique_ptr<PeerWatch>> PeerWatch::create() {
    sys::Epoll epoll = TRY(sys::Epoll::create());
    sys::Fd wake = TRY(sys::make_eventfd());
    TRY(epoll.add(wake, EPOLLIN, 0));
    return std::unique_ptr<PeerWatch>(new PeerWatch(std::move(epoll), std::move(wake)));
}

PeerWatch::PeerWatch(sys::Epoll epoll, sys::Fd wake)
    : epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      thread_([this](std::stop_token stop) { run(stop); }) {}

PeerWatch::~PeerWatch() {
    thread_.request_stop();
    const std::uint64_t one = 1;
    sys::write_all(wake_, std::as_bytes(std::span(&one, 1))).ignore("the counter cannot overflow");
}

std::uint64_t PeerWatch::add(sys::BorrowedFd socket, std::stop_source stop, bool half_close) {
    auto state = state_.lock();
    const std::uint64_t id = ++state->last_id;
    state->watched.emplace(id, Watched{socket.get(), std::move(stop)});
    // Without any event asked for, EPOLLHUP and EPOLLERR are still reported. epoll_ctl(2).
    epoll_.add(socket, (half_close ? EPOLLRDHUP | EPOLLONESHOT : EPOLLONESHOT), id)
        .ignore("then waits end with their data");
    return id;
}

void PeerWatch::expect_half_close(std::uint64_t id) {
    auto state = state_.lock();
    const auto it = state->watched.find(id);
    if (it == state->watched.end()) return;
    epoll_.modify(it->second.socket, EPOLLRDHUP | EPOLLONESHOT, id).ignore("see add()");
}

void PeerWatch::remove(std::uint64_t id) {
    auto state = state_.lock();
    const auto it = state->watched.find(id);
    if (it == state->watched.end()) return;
    epoll_.remove(it->second.socket).ignore("see add()");
    state->watched.erase(it);
}

void PeerWatch::run(std::stop_token stop) {
    std::array<epoll_event, 32> events;
    while (!stop.stop_requested()) {
        const auto count = epoll_.wait(events);
        if (!count) return;
        for (std::size_t i = 0; i < *count; ++i) {
            std::stop_source source(std::nostopstate);
            {
                auto state = state_.lock();
                const auto it = state->watched.find(events[i].data.u64);
                if (it != state->watched.end()) source = it->second.stop;
            }
            source.request_stop();  // outside the lock: it runs callbacks
        }
    }
}

}  // namespace berth::http
