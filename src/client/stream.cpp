#include "client/stream.h"

#include <array>

#include "sys/file.h"
#include "sys/poll.h"
#include "sys/socket.h"

namespace berth::client {

Session::Session(sys::Fd socket, std::string early, bool is_raw)
    : socket_(std::move(socket)), early_(std::move(early)), is_raw_(is_raw) {}

Result<bool> Session::receive(const OutputSink& sink) {
    std::array<std::byte, 32 << 10> buffer;
    std::string_view bytes;
    const std::string early = std::exchange(early_, {});
    if (!early.empty()) {
        bytes = early;
    } else {
        const std::size_t count = TRY(sys::read(socket_, buffer));
        if (count == 0) return false;
        bytes = as_text(std::span(buffer).first(count));
    }
    if (is_raw_) {
        TRY(sink(api::Stream::Stdout, bytes));
    } else {
        TRY(decoder_.feed(bytes, sink));
    }
    return true;
}

Result<> Session::receive_all(const OutputSink& sink, const std::stop_token& stop) {
    // A blocked read ends when the socket is shut down; the descriptor itself stays ours.
    const std::stop_callback wake(stop, [this] { sys::shutdown_both(socket_); });
    while (true) {
        const bool goes_on = TRY(receive(sink));
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
        if (!goes_on) return {};
    }
}

Result<> Session::send(std::string_view bytes) { return sys::send_message(socket_, bytes); }

Result<> Session::close_input() { return sys::shutdown_write(socket_); }

}  // namespace berth::client
