#pragma once
#include <atomic>
#include <map>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "http/message_parser_internal.h"
#include "http/server.h"
#include "http/stream_internal.h"
#include "sys/epoll.h"
#include "sys/file.h"

namespace berth::http {

/// Fires the stop source of a request when its client closes the connection. One thread for all
/// connections.
class PeerWatch {
public:
    static Result<std::unique_ptr<PeerWatch>> create();
    ~PeerWatch();
    /// With `half_close`, a client that only ended its sending side counts as gone: once the body
    /// has been read there is nothing more to come, and that is how clients hang up on TCP. Before,
    /// the end of the body may look like that.
    std::uint64_t add(sys::BorrowedFd socket, std::stop_source stop, bool half_close);
    void expect_half_close(std::uint64_t id);
    void remove(std::uint64_t id);

private:
    struct Watched {
        int socket;
        std::stop_source stop;
    };
    struct State {
        std::map<std::uint64_t, Watched> watched;
        std::uint64_t last_id = 0;
    };
    PeerWatch(sys::Epoll epoll, sys::Fd wake);
    void run(std::stop_token stop);

    sys::Epoll epoll_;
    sys::Fd wake_;
    Guarded<State> state_;
    std::jthread thread_;
};

/// What connections need of their server.
struct ConnectionServices {
    const Handler& handler;
    const ServerOptions& options;
    PeerWatch& peers;
    const std::atomic<bool>& is_stopping;
    std::atomic<std::size_t>& active;
};

/// One accepted connection: reads requests one after another and has them answered.
class ServerConnection {
public:
    ServerConnection(const ConnectionServices& services, std::unique_ptr<Stream> stream,
                     std::string peer);
    ~ServerConnection();
    /// Until the connection ends.
    void serve();

    /// From another thread, to stop: wakes an idle connection; with `hard` also one in the middle
    /// of a request, whose stop source the caller then fires.
    std::stop_source interrupt(bool hard);

private:
    friend class Request;
    friend class Response;
    enum class ResponseState {
        NotStarted,
        Buffered,
        Chunked,
        UntilClose,
        Complete,
        Hijacked,
        Aborted
    };

    bool serve_one();
    Result<bool> read_head();
    Request make_request(const MessageHead& head);
    void reject(const Error& error);
    bool finish(Response& response);
    bool drain_request();
    void linger();

    Result<bool> fill(std::optional<std::chrono::milliseconds> limit);
    Result<std::size_t> read_body(std::span<std::byte> out);
    Result<> send_continue();
    std::stop_token request_stop();
    void end_watch();

    std::string render_head(const Response& response, std::string_view extra) const;
    Result<> send(Response& response, std::string_view body, std::string_view content_type);
    Result<> start(Response& response);
    Result<> write(Response& response, std::span<const std::byte> bytes);
    void abort(std::string_view reason);
    Result<> send_file(Response& response, sys::BorrowedFd file, std::uint64_t offset,
                       std::uint64_t length);
    Result<Hijacked> hijack(Response& response, std::string_view content_type);
    bool body_is_forbidden(const Response& response) const;

    const ConnectionServices& services_;
    std::unique_ptr<Stream> stream_;
    std::string peer_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0, end_ = 0;

    // The request being served.
    std::optional<MessageParser> parser_;
    MessageHead head_;
    bool expects_continue_ = false;
    bool body_is_broken_ = false;
    ResponseState response_state_ = ResponseState::NotStarted;
    bool close_after_ = false;
    std::uint64_t written_ = 0;
    std::optional<std::uint64_t> announced_;

    struct Stop {
        std::stop_source source{std::nostopstate};
        std::uint64_t watch = 0;
        bool in_request = false;
        int socket = -1;
    };
    Guarded<Stop> stop_;
};

/// "404 Not Found" without the number.
std::string_view reason_phrase(int status);

}  // namespace berth::http
