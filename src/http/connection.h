#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/headers.h"
#include "sys/fd.h"

// The client side of one HTTP/1.1 connection, for talking to an engine: streaming both ways, and
// hijacking. Registries are spoken to through http/transfer.h instead.
namespace berth::http {

/// Where an engine listens. "unix:///run/berth.sock", "tcp://host:port", "http://host:port", or
/// "/path" for a socket.
struct Endpoint {
    std::string unix_path;  // empty: TCP
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
    std::string ca_file, certificate_file, key_file;  // for TLS
    bool verify = true;

    static Result<Endpoint> parse(std::string_view text);
    std::string to_string() const;
};

struct ClientRequest {
    std::string method = "GET";
    std::string target;
    Headers headers;
    /// A body that is ready.
    std::string body;
    /// A streamed body: fills the buffer and returns how much, 0 at the end. Sent chunked, or with
    /// Content-Length when `content_length` is set. Takes the place of `body`. Called from another
    /// thread, and still after send() returned (a build streams its output while it reads its
    /// context), but never after the response is gone.
    std::function<Result<std::size_t>(std::span<std::byte>)> body_source;
    std::optional<std::uint64_t> content_length;
    /// Ask for "Upgrade: tcp"; see ClientResponse::hijack().
    bool upgrade = false;
};

class ClientStream;

/// The head of a response and its body, read by need. Dropping it closes the connection unless the
/// body was read to its end.
class ClientResponse {
public:
    int status = 0;
    std::string reason;
    Headers headers;

    /// Up to buffer.size() bytes as soon as some are there; 0 is the end. Unavailable when the
    /// connection was cut, Cancelled when `stop` fired.
    Result<std::size_t> read(std::span<std::byte> buffer, std::stop_token stop = {});
    /// InvalidArgument when there is more than `limit` bytes.
    Result<std::string> read_all(std::size_t limit = 64 << 20, std::stop_token stop = {});
    /// Takes the connection over (status 101 or 200): a connected socket, and bytes that were read
    /// already.
    struct Hijacked {
        sys::Fd fd;
        std::string early_input;
    };
    Result<Hijacked> hijack() &&;

    ClientResponse(ClientResponse&&) noexcept;
    ClientResponse& operator=(ClientResponse&&) noexcept;
    ~ClientResponse();

private:
    friend class Connection;
    ClientResponse();
    std::unique_ptr<ClientStream> stream_;
};

/// Sends requests to one endpoint, reusing a kept-alive connection when one is idle. Thread-safe:
/// requests at the same time use connections of their own.
class Connection {
public:
    explicit Connection(Endpoint endpoint);
    ~Connection();
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;

    /// Sends the request and returns once the response's head is there. NotFound or Unavailable
    /// when nobody listens, Cancelled when `stop` fires.
    Result<ClientResponse> send(ClientRequest request, std::stop_token stop = {});
    const Endpoint& endpoint() const { return endpoint_; }

    struct Pool;

private:
    Result<std::unique_ptr<ClientStream>> open_stream(bool fresh, std::stop_token stop);
    Endpoint endpoint_;
    std::shared_ptr<Pool> pool_;
};

}  // namespace berth::http
