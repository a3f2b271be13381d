#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

// RFC 6455, as far as an attached container needs it: messages are pieces of a byte stream.
namespace berth::daemon {

enum class WebSocketOpcode : std::uint8_t {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10
};

struct WebSocketFrame {
    WebSocketOpcode opcode = WebSocketOpcode::Binary;
    std::string payload;  // unmasked
};

/// Longer frames of a client are refused.
constexpr std::uint64_t max_websocket_payload = 1 << 20;

/// "Sec-WebSocket-Accept" for the client's "Sec-WebSocket-Key". RFC 6455 4.2.2.
std::string websocket_accept(std::string_view key);

/// A server's frame: whole, unmasked.
std::string encode_frame(WebSocketOpcode opcode, std::string_view payload);

/// Takes the first frame off `input`; nullopt while it is not there whole. InvalidArgument for what
/// a client must not send: no mask, reserved bits, an unknown opcode, a payload above the limit.
Result<std::optional<WebSocketFrame>> take_frame(std::string& input);

/// Carries bytes between a WebSocket and a byte stream until both have ended, or either breaks.
/// `early_input` is what was read from the socket already. Blocks.
void relay_websocket(sys::BorrowedFd socket, std::string early_input, sys::BorrowedFd stream,
                     WebSocketOpcode opcode);

}  // namespace berth::daemon
