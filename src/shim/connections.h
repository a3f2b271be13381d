#pragma once
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "shim/event_loop.h"
#include "shim/message.h"

namespace berth::shim {

/// A message of an engine, with what is needed to answer it.
struct Request {
    Header header;
    std::string_view body;
    std::vector<sys::Fd> fds;
    int connection = -1;  // the socket it came by
};

/// The engines that are connected: one normally, none while the engine is away, several for a
/// moment.
class Connections {
public:
    using Handler = std::function<void(Request& request)>;
    Connections(EventLoop& loop, Handler handler, std::function<void()> on_last_gone)
        : loop_(loop), handler_(std::move(handler)), on_last_gone_(std::move(on_last_gone)) {}
    ~Connections();

    Result<> listen(const std::string& path);
    Result<> adopt(sys::Fd socket);
    bool is_empty() const { return connections_.empty(); }

    /// An answer to a request. A connection that does not take it is closed.
    template <typename T>
    requires requires { T::type; }
    void answer(const Request& request, const T& message, std::span<const int> fds = {}) {
        send(request.connection, encode(message, request.header.sequence), fds);
    }
    void answer(const Request& request, const Result<>& outcome);
    /// An event, to every connection.
    template <typename T>
    void broadcast(const T& event) {
        broadcast_bytes(encode(event));
    }

private:
    struct Connection {
        sys::Fd socket;
        EventLoop::Id watch = 0;
    };
    void send(int connection, const std::string& bytes, std::span<const int> fds);
    void broadcast_bytes(const std::string& bytes);
    void on_ready(int connection);
    void drop(int connection);

    EventLoop& loop_;
    Handler handler_;
    std::function<void()> on_last_gone_;
    sys::Fd listener_;
    EventLoop::Id listener_watch_ = 0;
    std::list<Connection> connections_;
};

}  // namespace berth::shim
