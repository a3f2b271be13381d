#include "http/server_connection_internal.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "sys/poll.h"
#include "sys/socket.h"

namespace berth::http {

namespace {
// What is left of a request body that the handler did not want: read and dropped up to here, else
// the connection closes.
constexpr std::size_t max_drained_bytes = 256 << 10;
constexpr std::size_t first_buffer_bytes = 4 << 10;
constexpr std::size_t body_buffer_bytes = 64 << 10;
}  // namespace

ServerConnection::ServerConnection(const ConnectionServices& services,
                                   std::unique_ptr<Stream> stream, std::string peer)
    : services_(services), stream_(std::move(stream)), peer_(std::move(peer)) {
    stop_.lock()->socket = stream_->fd().get();
}

ServerConnection::~ServerConnection() {
    end_watch();
    stop_.lock()->socket = -1;
}

void ServerConnection::serve() {
    while (!services_.is_stopping && serve_one()) {
    }
    if (stream_ && response_state_ != ResponseState::Hijacked) linger();
}

std::stop_source ServerConnection::interrupt(bool hard) {
    auto stop = stop_.lock();
    if (stop->in_request && !hard) return std::stop_source(std::nostopstate);
    if (stop->socket >= 0) sys::shutdown_both(stop->socket);
    return stop->source;
}

bool ServerConnection::serve_one() {
    parser_.emplace(MessageParser::Kind::Request, services_.options.max_header_bytes);
    response_state_ = ResponseState::NotStarted;
    body_is_broken_ = close_after_ = false;
    written_ = 0;
    announced_.reset();
    const auto has_head = read_head();
    if (!has_head) {
        if (has_head.error().is(ErrorCode::InvalidArgument)) reject(has_head.error());
        return false;
    }
    if (!*has_head) return false;
    head_ = parser_->head();
    expects_continue_ = head_.version >= 11 && head_.headers.has_token("Expect", "100-continue");
    {
        auto stop = stop_.lock();
        stop->in_request = true;
        stop->source = std::stop_source(std::nostopstate);
    }
    ++services_.active;

    Request request = make_request(head_);
    Response response;
    response.connection_ = this;
    services_.handler(request, response);
    end_watch();
    const bool goes_on = response_state_ != ResponseState::Hijacked && finish(response);

    --services_.active;
    stop_.lock()->in_request = false;
    return goes_on;
}

// False when the client closed (or said nothing for too long) between requests.
Result<bool> ServerConnection::read_head() {
    auto limit = services_.options.idle_timeout;
    while (true) {
        if (begin_ < end_) {
            begin_ += TRY(parser_->parse_head(std::span(buffer_).subspan(begin_, end_ - begin_)));
            if (parser_->has_head()) return true;
            if (end_ - begin_ > services_.options.max_header_bytes)
                return fail(ErrorCode::InvalidArgument, "request header fields too large");
            limit = services_.options.header_timeout;
        }
        const auto more = fill(limit);
        if (!more || !*more) return false;
    }
}

Request ServerConnection::make_request(const MessageHead& head) {
    Request request;
    request.method = head.method;
    request.target = head.target;
    std::string_view target = head.target;
    // The absolute form, as proxies get it. RFC 9112 3.2.2.
    if (const auto scheme = target.find("://");
        scheme != std::string_view::npos && !target.starts_with('/')) {
        const auto slash = target.find('/', scheme + 3);
        target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    const auto mark = target.find('?');
    request.path = decode_percent(target.substr(0, mark));
    if (mark != std::string_view::npos) request.query = Query::parse(target.substr(mark + 1));
    request.headers = head.headers;
    request.version = head.version;
    request.remote_address = peer_;
    request.is_tls = stream_->is_tls();
    request.connection_ = this;
    return request;
}

void ServerConnection::reject(const Error& error) {
    const std::string body = error.message() + "\n";
    const std::string text = concat(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: "
        "close\r\nContent-Length: ",
        body.size(), "\r\n\r\n", body);
    stream_->write(as_bytes(text)).ignore("the client may be gone");
}

// Ends the response and says whether another request may follow.
bool ServerConnection::finish(Response& response) {
    switch (response_state_) {
        case ResponseState::NotStarted:
            if (!send(response, {}, {})) return false;
            break;
        case ResponseState::Buffered:
            // Fewer bytes than announced: the client must see a cut, not wait.
            if (announced_ && written_ < *announced_) return false;
            break;
        case ResponseState::Chunked:
            if (!stream_->write(as_bytes("0\r\n\r\n"))) return false;
            break;
        case ResponseState::Complete: break;
        case ResponseState::UntilClose:
        case ResponseState::Hijacked:
        case ResponseState::Aborted: return false;
    }
    return head_.keep_alive && !close_after_ && drain_request();
}

bool ServerConnection::drain_request() {
    if (parser_->is_done()) return true;
    if (body_is_broken_ || expects_continue_)
        return false;  // who waits for 100 may or may not send the body now
    std::vector<std::byte> sink(16 << 10);
    std::size_t total = 0;
    while (total <= max_drained_bytes) {
        const auto count = read_body(sink);
        if (!count) return false;
        if (*count == 0) return true;
        total += *count;
    }
    return false;
}

// Closing with unread input makes the kernel send a reset that can overtake the response: end our
// side, read a while.
void ServerConnection::linger() {
    if (response_state_ == ResponseState::Aborted) {
        sys::shutdown_both(stream_->fd());
        return;
    }
    stream_->close_gracefully();
    if (!parser_ || parser_->is_done() || stream_->is_tls()) return;
    sys::shutdown_write(stream_->fd()).ignore("the peer may be gone");
    buffer_.resize(std::max(buffer_.size(), first_buffer_bytes));
    for (int rounds = 0; rounds < 256; ++rounds) {
        const auto count = stream_->read(buffer_, std::chrono::milliseconds(500));
        if (!count || *count == 0) return;
    }
}

// Reads more input behind what is there; false at the end of it.
Result<bool> ServerConnection::fill(std::optional<std::chrono::milliseconds> limit) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == buffer_.size()) {
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        } else {
            buffer_.resize(std::max(first_buffer_bytes, buffer_.size() * 2));
        }
    }
    const std::size_t count = TRY(stream_->read(std::span(buffer_).subspan(end_), limit));
    end_ += count;
    return count > 0;
}

Result<std::size_t> ServerConnection::read_body(std::span<std::byte> out) {
    if (out.empty() || parser_->is_done()) return std::size_t{0};
    if (body_is_broken_) return fail(ErrorCode::Unavailable, "the request body was cut");
    TRY(send_continue());
    if (buffer_.size() < body_buffer_bytes) buffer_.resize(body_buffer_bytes);
    while (true) {
        if (begin_ < end_) {
            const auto step =
                parser_->parse_body(std::span(buffer_).subspan(begin_, end_ - begin_), out);
            if (!step) body_is_broken_ = close_after_ = true;
            if (!step)
                return fail(ErrorCode::Unavailable,
                            "the request body is broken: ", step.error().message());
            begin_ += step->consumed;
            if (parser_->is_done()) {
                if (const auto watch = stop_.lock()->watch)
                    services_.peers.expect_half_close(watch);
            }
            if (step->produced > 0 || parser_->is_done()) return step->produced;
        }
        const auto more = fill({});
        if (!more || !*more) {
            body_is_broken_ = close_after_ = true;
            return fail(ErrorCode::Unavailable,
                        "the client closed the connection in the middle of the request body");
        }
    }
}

Result<> ServerConnection::send_continue() {
    if (!std::exchange(expects_continue_, false) || response_state_ != ResponseState::NotStarted)
        return {};
    return stream_->write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
}

std::stop_token ServerConnection::request_stop() {
    auto stop = stop_.lock();
    if (!stop->source.stop_possible()) {
        stop->source = std::stop_source();
        if (stop->socket >= 0)
            stop->watch = services_.peers.add(stop->socket, stop->source, parser_->is_done());
    }
    return stop->source.get_token();
}

void ServerConnection::end_watch() {
    std::uint64_t watch = 0;
    {
        auto stop = stop_.lock();
        watch = std::exchange(stop->watch, 0);
    }
    if (watch != 0) services_.peers.remove(watch);
}

}  // namespace berth::http
