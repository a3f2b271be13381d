#include "daemon/websocket.h"

#include <thread>
#include <vector>

#include "base/text.h"
#include "codec/base64.h"
#include "codec/sha1.h"
#include "sys/file.h"
#include "sys/poll.h"
#include "sys/socket.h"

namespace berth::daemon {

namespace {
constexpr std::string_view accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::uint8_t final_bit = 0x80, mask_bit = 0x80;
constexpr std::size_t mask_bytes = 4;

bool is_known(std::uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
}

/// The container's output as frames, then the farewell.
void send_output(sys::BorrowedFd socket, sys::BorrowedFd stream, WebSocketOpcode opcode) {
    std::vector<std::byte> buffer(32 << 10);
    while (true) {
        const auto count = sys::read(stream, buffer);
        if (!count || *count == 0) break;
        if (sys::write_all(socket, encode_frame(opcode, as_text(std::span(buffer).first(*count))))
                .is_error())
            break;
    }
    sys::write_all(socket, encode_frame(WebSocketOpcode::Close, "\x03\xe8"))
        .ignore("the client has gone");
    // Wakes the other direction, which would wait for a client that has nothing more to say.
    sys::shutdown_both(socket);
}

/// False when the client says goodbye, or something that it must not.
bool pass_frames(std::string& input, sys::BorrowedFd socket, sys::BorrowedFd stream) {
    while (true) {
        auto frame = take_frame(input);
        if (!frame) return false;
        if (!*frame) return true;
        switch ((*frame)->opcode) {
            case WebSocketOpcode::Continuation:
            case WebSocketOpcode::Text:
            case WebSocketOpcode::Binary:
                if (sys::write_all(stream, std::string_view((*frame)->payload)).is_error())
                    return false;
                break;
            case WebSocketOpcode::Ping:
                // A frame is one write, so that it cannot land inside one of the output's.
                if (sys::write_all(socket, encode_frame(WebSocketOpcode::Pong, (*frame)->payload))
                        .is_error())
                    return false;
                break;
            case WebSocketOpcode::Pong: break;
            case WebSocketOpcode::Close: return false;
        }
    }
}
}  // namespace

std::string websocket_accept(std::string_view key) {
    return codec::encode_base64(as_text(codec::sha1(as_bytes(concat(key, accept_suffix)))));
}

std::string encode_frame(WebSocketOpcode opcode, std::string_view payload) {
    std::string out(1, static_cast<char>(final_bit | static_cast<std::uint8_t>(opcode)));
    const auto append = [&](std::uint64_t value, int bytes) {
        while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
    };
    if (payload.size() < 126) {
        append(payload.size(), 1);
    } else if (payload.size() <= 0xffff) {
        append(126, 1);
        append(payload.size(), 2);
    } else {
        append(127, 1);
        append(payload.size(), 8);
    }
    return out.append(payload);
}

// RFC 6455 5.2.
Result<std::optional<WebSocketFrame>> take_frame(std::string& input) {
    if (input.size() < 2) return std::optional<WebSocketFrame>();
    const auto head = static_cast<std::uint8_t>(input[0]),
               second = static_cast<std::uint8_t>(input[1]);
    if ((head & 0x70) != 0 || !is_known(head & 0x0f))
        return fail(ErrorCode::InvalidArgument, "unknown kind of WebSocket frame");
    if ((second & mask_bit) == 0)
        return fail(ErrorCode::InvalidArgument, "a client's WebSocket frame must be masked");
    std::uint64_t length = second & 0x7f;
    const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
    const std::size_t start = 2 + extended + mask_bytes;
    if (input.size() < start) return std::optional<WebSocketFrame>();
    if (extended > 0) length = big_endian(std::string_view(input).substr(2, extended));
    if (length > max_websocket_payload)
        return fail(ErrorCode::InvalidArgument, "a WebSocket frame is longer than ",
                    max_websocket_payload, " bytes");
    if (input.size() - start < length) return std::optional<WebSocketFrame>();
    WebSocketFrame frame{.opcode = static_cast<WebSocketOpcode>(head & 0x0f),
                         .payload = input.substr(start, length)};
    for (std::size_t i = 0; i < frame.payload.size(); ++i)
        frame.payload[i] ^= input[2 + extended + i % mask_bytes];
    input.erase(0, start + length);
    return std::optional(std::move(frame));
}

void relay_websocket(sys::BorrowedFd socket, std::string early_input, sys::BorrowedFd stream,
                     WebSocketOpcode opcode) {
    const std::jthread output([&] { send_output(socket, stream, opcode); });
    std::string input = std::move(early_input);
    std::vector<std::byte> buffer(32 << 10);
    while (pass_frames(input, socket, stream)) {
        const auto count = sys::read(socket, buffer);
        if (!count || *count == 0) break;
        input += as_text(std::span(buffer).first(*count));
    }
    // Without its client the attachment ends; with the container's end, output has ended already.
    sys::shutdown_both(stream);
}

}  // namespace berth::daemon
