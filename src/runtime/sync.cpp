#include "runtime/sync.h"

#include <array>
#include <cstring>
#include <span>

#include "base/text.h"
#include "sys/socket.h"

namespace berth::runtime {
namespace {

struct Header {
    std::uint32_t step;
    std::uint32_t code;
    std::uint32_t length;
};

constexpr std::size_t max_text = 16 * 1024;

Result<> send(sys::BorrowedFd channel, Step step, ErrorCode code, std::string_view text,
              const std::vector<int>& fds) {
    text = text.substr(0, max_text);
    const Header header{.step = static_cast<std::uint32_t>(step),
                        .code = static_cast<std::uint32_t>(code),
                        .length = static_cast<std::uint32_t>(text.size())};
    std::string packet(reinterpret_cast<const char*>(&header), sizeof(header));
    packet += text;
    return sys::send_message(channel, std::string_view(packet), std::span<const int>(fds));
}

bool is_step(std::uint32_t value) {
    return value >= static_cast<std::uint32_t>(Step::NeedMaps) &&
           value <= static_cast<std::uint32_t>(Step::Start);
}

}  // namespace

Result<> send_step(sys::BorrowedFd channel, Step step, const std::vector<int>& fds) {
    return send(channel, step, ErrorCode::Internal, {}, fds);
}

Result<> send_start(sys::BorrowedFd channel, pid_t pid) {
    return send(channel, Step::Start, ErrorCode::Internal, std::to_string(pid), {});
}

Result<> send_listener(sys::BorrowedFd channel, std::string_view text, sys::BorrowedFd listener) {
    if (text.size() > max_text)
        return fail(ErrorCode::InvalidArgument,
                    "the state for the seccomp listener is longer than ", max_text, " bytes");
    return send(channel, Step::SeccompListener, ErrorCode::Internal, text, {listener.get()});
}

Result<> send_successor(sys::BorrowedFd channel, pid_t pid, sys::BorrowedFd pidfd) {
    return send(channel, Step::Successor, ErrorCode::Internal, std::to_string(pid), {pidfd.get()});
}

Result<> send_failure(sys::BorrowedFd channel, const Error& error) {
    return send(channel, Step::Failed, error.code(), error.message(), {});
}

Result<Message> parse_step(std::span<const std::byte> packet) {
    Header header;
    if (packet.size() < sizeof(header))
        return fail(ErrorCode::Corrupted, "a step of ", packet.size(), " bytes");
    std::memcpy(&header, packet.data(), sizeof(header));
    if (!is_step(header.step) || header.length != packet.size() - sizeof(header) ||
        header.code > static_cast<std::uint32_t>(ErrorCode::Internal))
        return fail(ErrorCode::Corrupted, "an unknown step ", header.step);
    Message message{.step = static_cast<Step>(header.step),
                    .code = static_cast<ErrorCode>(header.code)};
    message.text = as_text(packet.subspan(sizeof(header)));
    return message;
}

Result<std::optional<Message>> receive_step(sys::BorrowedFd channel) {
    std::array<std::byte, sizeof(Header) + max_text> buffer;
    auto received = TRY(sys::receive_message(channel, buffer));
    if (received.size == 0) return std::optional<Message>();
    Message message = TRY(parse_step(std::span(buffer).first(received.size)));
    message.fds = std::move(received.fds);
    return std::optional(std::move(message));
}

Result<std::string> await_step(sys::BorrowedFd channel, Step step) {
    const auto message = TRY(receive_step(channel));
    if (!message) return fail(ErrorCode::Cancelled, "the starting process is gone");
    if (message->step != step) return fail(ErrorCode::Corrupted, "a step out of order");
    return message->text;
}

}  // namespace berth::runtime
