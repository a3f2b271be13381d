#include "shim/connections.h"

#include <array>

#include "shim/protocol.h"
#include "sys/socket.h"

namespace berth::shim {
namespace {
std::array<std::byte, max_message_bytes>
    received_bytes;  // touched only as far as messages are long
constexpr std::size_t max_connections = 16;
}  // namespace

Connections::~Connections() {
    for (Connection& connection : connections_) loop_.remove(connection.watch);
    loop_.remove(listener_watch_);
}

Result<> Connections::listen(const std::string& path) {
    listener_ = TRY(sys::listen_unix(path, {.kind = sys::SocketKind::SeqPacket, .replace = true}));
    TRY(sys::set_nonblocking(listener_));
    listener_watch_ = TRY(loop_.add(listener_, EPOLLIN, [this](std::uint32_t) {
        auto socket = sys::accept(listener_);
        if (!socket) return;
        if (connections_.size() >= max_connections) drop(connections_.front().socket.get());
        adopt(std::move(*socket)).ignore("the engine connects again");
    }));
    return {};
}

Result<> Connections::adopt(sys::Fd socket) {
    TRY(sys::set_nonblocking(socket));
    const int number = socket.get();
    const EventLoop::Id watch =
        TRY(loop_.add(socket, EPOLLIN, [this, number](std::uint32_t) { on_ready(number); }));
    connections_.push_back({std::move(socket), watch});
    return {};
}

void Connections::on_ready(int connection) {
    auto received = sys::receive_message(connection, received_bytes);
    if (!received || received->size == 0) return drop(connection);
    const std::string_view text(reinterpret_cast<const char*>(received_bytes.data()),
                                received->size);
    const auto message = parse_header(text);
    if (!message) return drop(connection);
    Request request{message->first, message->second, std::move(received->fds), connection};
    handler_(request);
}

void Connections::answer(const Request& request, const Result<>& outcome) {
    if (outcome) return answer(request, Reply{});
    answer(request, Reply{.ok = false,
                          .code = static_cast<std::uint8_t>(outcome.error().code()),
                          .text = outcome.error().message()});
}

void Connections::send(int connection, const std::string& bytes, std::span<const int> fds) {
    for (const Connection& known : connections_) {
        if (known.socket.get() != connection) continue;
        if (!sys::send_message(connection, bytes, fds)) drop(connection);
        return;
    }
}

void Connections::broadcast_bytes(const std::string& bytes) {
    for (auto next = connections_.begin(); next != connections_.end();) {
        const int connection = (next++)->socket.get();
        if (!sys::send_message(connection, bytes)) drop(connection);
    }
}

void Connections::drop(int connection) {
    for (Connection& known : connections_) {
        if (known.socket.get() == connection) loop_.remove(known.watch);
    }
    connections_.remove_if(
        [&](const Connection& known) { return known.socket.get() == connection; });
    if (connections_.empty()) on_last_gone_();
}

}  // namespace berth::shim
