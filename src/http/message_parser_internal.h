#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "http/headers.h"

namespace berth::http {

/// The head of a request or response.
struct MessageHead {
    std::string method, target;  // request
    int status = 0;              // response
    std::string reason;
    int version = 11;
    Headers headers;
    bool keep_alive = false;
    bool is_chunked = false;
    std::optional<std::uint64_t> content_length;
};

/// HTTP/1.x messages out of bytes, without any input or output of its own. RFC 9112, parsed by
/// Boost.Beast: here and nowhere else, since its headers take long to compile.
class MessageParser {
public:
    enum class Kind { Request, Response };
    MessageParser(Kind kind, std::size_t max_header_bytes);
    MessageParser(MessageParser&&) noexcept;
    MessageParser& operator=(MessageParser&&) noexcept;
    ~MessageParser();

    /// Give it everything that is there: the head needs to be contiguous. Returns how much it took:
    /// 0 until the head is complete. InvalidArgument for what is not HTTP or too long.
    Result<std::size_t> parse_head(std::span<const std::byte> bytes);
    bool has_head() const;
    MessageHead head() const;

    struct Step {
        std::size_t consumed = 0, produced = 0;
    };
    /// Takes framing and body bytes, puts body bytes into `out`. {0, 0} when more input is needed.
    Result<Step> parse_body(std::span<const std::byte> bytes, std::span<std::byte> out);
    /// Whether the message is complete.
    bool is_done() const;
    /// Why the sender broke the stream off, when it said so with abort_extension(); "" otherwise.
    const std::string& abort_reason() const;
    /// The peer closed: completes a body that lasts until the end, fails in any other.
    Result<> end_of_input();
    /// The response has no body whatever its headers say (HEAD, 204, 304). Call before
    /// parse_head().
    void expect_no_body();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The chunk extension (RFC 9112 7.1.1) by which a server of ours says why it breaks a stream off.
std::string abort_extension(std::string_view reason);

}  // namespace berth::http
