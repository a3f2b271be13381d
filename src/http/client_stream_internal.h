#pragma once
#include <atomic>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "http/connection.h"
#include "http/message_parser_internal.h"
#include "http/stream_internal.h"

namespace berth::http {

/// Idle streams to one endpoint.
struct Connection::Pool {
    Guarded<std::vector<std::unique_ptr<Stream>>> idle;
    std::shared_ptr<TlsContext> tls;
};

/// One request and its response on one stream. A streamed body has a thread that sends it.
class ClientStream {
public:
    ClientStream(std::unique_ptr<Stream> stream, std::shared_ptr<Connection::Pool> home,
                 bool is_reused);
    ~ClientStream();

    Result<> send_request(ClientRequest request, const Endpoint& endpoint);
    Result<MessageHead> read_head(const std::string& method, const std::stop_token& stop);
    Result<std::size_t> read_body(std::span<std::byte> out, const std::stop_token& stop);
    Result<ClientResponse::Hijacked> hijack();
    /// Whether nothing came back on a connection that had been idle: the server may have closed it
    /// meanwhile.
    bool may_be_stale() const { return is_reused_ && !received_any_; }

private:
    void send_body(ClientRequest& request, bool chunked);
    Result<bool> fill(const std::stop_token& stop);
    Error cut(std::string_view what);
    void go_home();

    std::unique_ptr<Stream> stream_;
    std::shared_ptr<Connection::Pool> home_;
    bool is_reused_;
    bool received_any_ = false;
    bool keep_alive_ = false;
    MessageParser parser_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0, end_ = 0;

    std::atomic<bool> cancelled_ = false, body_sent_ = true;
    Guarded<std::optional<Error>> body_error_;
    std::jthread sender_;
};

}  // namespace berth::http
