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
#include <vector>

#include "base/result.h"
#include "http/headers.h"
#include "http/query.h"
#include "sys/fd.h"

namespace berth::http {

class ServerConnection;

/// One request as the handler sees it. The head is there; the body is read by need.
class Request {
public:
    std::string method;
    std::string target;  // as sent: "/v1.47/images/json?all=1"
    std::string path;    // without the query, percent-decoded
    Query query;
    Headers headers;
    int version = 11;  // 10 or 11
    /// Peer's address, "unix" for a unix socket.
    std::string remote_address;
    bool is_tls = false;

    /// Up to buffer.size() bytes of the body, as soon as some are there; 0 is its end. Sends "100
    /// Continue" first when the client waits for it. Unavailable when the client went away or sent
    /// broken framing.
    Result<std::size_t> read(std::span<std::byte> buffer);
    /// The rest of the body. InvalidArgument when there is more than `limit` bytes.
    Result<std::string> read_all(std::size_t limit);
    /// The length announced; nullopt when the body is chunked. 0 without a body.
    std::optional<std::uint64_t> content_length() const;
    /// Whether the request announced a body at all.
    bool has_body() const;
    /// Fires when the client has closed the connection, or the server stops at once. Pass it to
    /// whatever blocks.
    std::stop_token stop_token() const;
    /// The connection itself, for peer credentials; do not read or write it.
    sys::BorrowedFd connection() const;

private:
    friend class ServerConnection;
    ServerConnection* connection_ = nullptr;
};

/// A connection taken over from HTTP. `fd` is a connected stream socket (for TLS, one end of a
/// relayed pair).
struct Hijacked {
    sys::Fd fd;
    std::string early_input;  // what the client sent behind its request and was read already
};

/// The answer. Set status and headers, then exactly one of: send(), write()s, send_file(),
/// hijack(). A handler that returns without any of them answers with the status and an empty body.
/// Reading the request while writing the response is allowed.
class Response {
public:
    int status = 200;
    Headers headers;

    /// A whole body with Content-Length.
    Result<> send(std::string_view body, std::string_view content_type = {});
    /// Sends the head, without any of the body: a client that waits for headers goes on. Streams
    /// with chunked encoding unless Content-Length is set.
    Result<> start();
    /// Adds to a streamed body, unbuffered: each call is on its way when it returns. Starts the
    /// response by need. Unavailable when the client went away.
    Result<> write(std::string_view bytes);
    Result<> write(std::span<const std::byte> bytes);
    /// Sends `length` bytes of the file from `offset` as the body with Content-Length (sendfile(2)
    /// where possible).
    Result<> send_file(sys::BorrowedFd file, std::uint64_t offset, std::uint64_t length);
    /// Sends the head (status 101 with Connection and Upgrade headers when the request asked for an
    /// upgrade, else 200 with the body left open until the connection closes) and gives the
    /// connection away.
    Result<Hijacked> hijack(std::string_view content_type);
    /// Whether the head is out, so that an error cannot change the status any more.
    bool has_started() const;
    /// Ends a streamed response abnormally: the client sees a cut stream instead of a complete one.
    /// Our own client learns the reason, too, from the extension of a last chunk that does not come
    /// (RFC 9112 7.1.1); others ignore it.
    void abort(std::string_view reason = {});

private:
    friend class ServerConnection;
    ServerConnection* connection_ = nullptr;
};

/// Called on a thread of its own per connection; may block. Must not throw.
using Handler = std::function<void(Request&, Response&)>;

struct TlsOptions {
    std::string certificate_file, key_file;  // PEM
    std::string client_ca_file;              // when set, clients must show a certificate of it
};

struct ServerOptions {
    std::size_t max_connections = 2048;  // more wait in the listen queue
    std::size_t max_header_bytes = 256 << 10;
    std::chrono::milliseconds header_timeout{30'000};
    std::chrono::milliseconds idle_timeout{180'000};
    /// Sent as "Server" with every response unless empty.
    std::string server_name;
};

/// An HTTP/1.1 server in blocking style: one thread for each connection, none while there is none.
class Server {
public:
    static Result<std::unique_ptr<Server>> create(Handler handler, ServerOptions options = {});
    /// Stops at once if still running.
    ~Server();

    /// Adds a listening socket (unix or TCP) that is open already.
    Result<> add_listener(sys::Fd listening, std::optional<TlsOptions> tls = {});
    /// Binds a unix socket at `path` with `mode`, owned by group `gid` (-1 keeps ours); replaces a
    /// stale one.
    Result<> listen_unix(const std::string& path, unsigned mode = 0660, std::int64_t gid = -1);
    /// Binds "host:port", "[::1]:port" or ":port"; port 0 takes a free one. Returns the port bound.
    Result<std::uint16_t> listen_tcp(const std::string& address,
                                     std::optional<TlsOptions> tls = {});

    /// Starts accepting, on a thread of the server.
    Result<> start();
    /// Accepts no more, lets requests in flight finish within `grace`, then fires their stop
    /// tokens, closes connections and waits for the handlers to return. Connections that were
    /// hijacked are not touched.
    void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(0));
    /// Requests being served now.
    std::size_t active_requests() const;

private:
    class Implementation;
    explicit Server(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace berth::http
