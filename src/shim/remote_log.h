#pragma once
#include <deque>
#include <string>

#include "shim/event_loop.h"
#include "shim/log_encode.h"

namespace berth::shim {

/// Sends a container's output to a log service as well. Nothing here waits: what the service does
/// not take is kept up to a bound, and beyond it the newest lines are dropped and counted. A lost
/// connection is made again, with growing pauses.
class RemoteLog {
public:
    RemoteLog(EventLoop& loop, RemoteLogSettings settings)
        : loop_(loop), settings_(std::move(settings)) {}
    ~RemoteLog();

    void write(int stream, std::string_view text, Timestamp now);
    /// Nothing waits any more, or waiting has become pointless after finish().
    bool is_idle() const { return pending_.empty() || gave_up_; }
    /// The container has ended: what waits gets a little more time, then `on_idle` is called.
    void finish(std::function<void()> on_idle);

private:
    bool is_datagram() const;
    std::uint32_t quiet_events() const;
    std::string encode(const LogMessage& message) const;
    void push(std::string bytes);
    void connect();
    void on_ready(std::uint32_t events);
    void flush();
    void disconnect();
    void note_idle();

    EventLoop& loop_;
    RemoteLogSettings settings_;
    sys::Fd socket_;
    EventLoop::Id watch_ = 0, retry_ = 0, deadline_ = 0;
    bool connected_ = false, gave_up_ = false;
    bool is_fresh_ = false;  ///< the socket has taken nothing yet
    std::deque<std::string> pending_;
    std::size_t pending_bytes_ = 0, front_sent_ = 0;
    std::uint64_t dropped_ = 0;
    std::chrono::milliseconds pause_{0};
    std::uint64_t chunk_id_ = 0;
    std::function<void()> on_idle_;
};

}  // namespace berth::shim
