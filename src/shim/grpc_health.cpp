#include "shim/grpc_health.h"

#include <cstdint>

namespace berth::shim {
namespace {

enum FrameType : std::uint8_t {
    Data = 0,
    Headers = 1,
    ResetStream = 3,
    Settings = 4,
    Ping = 6,
    GoAway = 7
};
constexpr std::uint8_t flag_end_stream = 1, flag_ack = 1, flag_end_headers = 4, flag_padded = 8;
constexpr std::size_t frame_header_bytes = 9;
// The largest frame a peer may send without being asked: the default of SETTINGS_MAX_FRAME_SIZE.
constexpr std::size_t max_frame_bytes = 16 * 1024;
constexpr std::size_t max_answer_bytes_kept = 4096;

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
    std::string out;
    for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(payload.size() >> shift));
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(flags));
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
    return out.append(payload);
}

// A string literal without Huffman coding; ours are all shorter than 127 bytes.
void append_literal(std::string& out, std::string_view text) {
    out.push_back(static_cast<char>(text.size()));
    out.append(text);
}

}  // namespace

std::string make_grpc_health_request(std::string_view service) {
    std::string headers = "\x83\x86";  // :method POST, :scheme http
    headers.push_back('\x04');         // :path
    append_literal(headers, "/grpc.health.v1.Health/Check");
    headers.push_back('\x01');  // :authority
    append_literal(headers, "localhost");
    headers.append("\x0f\x10");  // content-type
    append_literal(headers, "application/grpc");
    headers.push_back('\0');
    append_literal(headers, "te");
    append_literal(headers, "trailers");
    std::string message;
    if (!service.empty()) {
        message.push_back('\x0a');  // field 1, a string
        append_literal(message, service.substr(0, 100));
    }
    std::string body(1, '\0');  // not compressed
    for (const int shift : {24, 16, 8, 0})
        body.push_back(static_cast<char>(message.size() >> shift));
    body.append(message);
    return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(Settings, 0, 0, {}) +
           frame(Headers, flag_end_headers, 1, headers) + frame(Data, flag_end_stream, 1, body);
}

std::string GrpcHealthAnswer::feed(std::string_view bytes) {
    std::string replies;
    pending_.append(bytes);
    while (pending_.size() >= frame_header_bytes && !ended_) {
        const auto at = [&](std::size_t i) { return static_cast<unsigned char>(pending_[i]); };
        const std::size_t length = std::size_t{at(0)} << 16 | std::size_t{at(1)} << 8 | at(2);
        if (length > max_frame_bytes) {
            ended_ = true;
            break;
        }
        if (pending_.size() < frame_header_bytes + length) break;
        const std::uint8_t type = at(3), flags = at(4);
        std::string_view payload = std::string_view(pending_).substr(frame_header_bytes, length);
        if (type == Settings && !(flags & flag_ack)) replies += frame(Settings, flag_ack, 0, {});
        if (type == Ping && !(flags & flag_ack)) replies += frame(Ping, flag_ack, 0, payload);
        if (type == Data) {
            if ((flags & flag_padded) && !payload.empty()) {
                const std::size_t padding = static_cast<unsigned char>(payload.front());
                payload.remove_prefix(1);
                payload.remove_suffix(std::min(padding, payload.size()));
            }
            take_data(payload);
        }
        ended_ = type == ResetStream || type == GoAway ||
                 ((type == Data || type == Headers) && (flags & flag_end_stream));
        pending_.erase(0, frame_header_bytes + length);
    }
    return replies;
}

// A message is a flag, four bytes of length, and the fields; of those only field 1, a number,
// matters.
void GrpcHealthAnswer::take_data(std::string_view payload) {
    message_.append(payload.substr(
        0, max_answer_bytes_kept - std::min(max_answer_bytes_kept, message_.size())));
    if (message_.size() < 5 || status_) return;
    std::size_t length = 0;
    for (int i = 1; i < 5; ++i) length = length << 8 | static_cast<unsigned char>(message_[i]);
    if (message_.size() < 5 + length) return;
    const std::string_view fields = std::string_view(message_).substr(5, length);
    // An absent field has its default.
    status_ = fields.size() >= 2 && fields[0] == '\x08' ? static_cast<unsigned char>(fields[1]) : 0;
}

}  // namespace berth::shim
