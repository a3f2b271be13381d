#include "http/client_stream_internal.h"

#include <cstring>

#include "sys/poll.h"

namespace berth::http {

namespace {
constexpr std::size_t max_head_bytes = 256 << 10;
constexpr std::size_t part_bytes = 64 << 10;

/// Wakes whoever is blocked on the socket when a stop is requested.
auto interrupt_on(const std::stop_token& stop, Stream& stream) {
    return std::stop_callback(stop, [fd = stream.fd()] { sys::shutdown_both(fd); });
}
}  // namespace

ClientStream::ClientStream(std::unique_ptr<Stream> stream, std::shared_ptr<Connection::Pool> home,
                           bool is_reused)
    : stream_(std::move(stream)),
      home_(std::move(home)),
      is_reused_(is_reused),
      parser_(MessageParser::Kind::Response, max_head_bytes) {}

ClientStream::~ClientStream() {
    if (stream_ && parser_.is_done() && body_sent_ && keep_alive_) {
        go_home();
        return;
    }
    cancelled_ = true;
    if (stream_) sys::shutdown_both(stream_->fd());
}

void ClientStream::go_home() {
    if (sender_.joinable()) sender_.join();
    auto idle = home_->idle.lock();
    if (idle->size() < 8) idle->push_back(std::move(stream_));
}

Result<> ClientStream::send_request(ClientRequest request, const Endpoint& endpoint) {
    std::string head = concat(request.method, " ", request.target, " HTTP/1.1\r\n");
    if (!request.headers.has("Host")) {
        head += endpoint.unix_path.empty()
                    ? concat("Host: ", endpoint.host, ":", endpoint.port, "\r\n")
                    : std::string("Host: localhost\r\n");
    }
    for (const auto& [name, value] : request.headers.fields())
        head += concat(name, ": ", value, "\r\n");
    if (request.upgrade) head += "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    const bool is_streamed = static_cast<bool>(request.body_source);
    const bool chunked = is_streamed && !request.content_length;
    if (chunked) {
        head += "Transfer-Encoding: chunked\r\n";
    } else if (is_streamed || !request.body.empty() ||
               (request.method != "GET" && request.method != "HEAD")) {
        head +=
            concat("Content-Length: ", is_streamed ? *request.content_length : request.body.size(),
                   "\r\n");
    }
    head += "\r\n";
    if (request.method == "HEAD") parser_.expect_no_body();
    if (!is_streamed && request.body.size() <= part_bytes)
        return stream_->write(as_bytes(head + request.body));
    TRY(stream_->write(as_bytes(head)));
    if (!is_streamed) {
        request.content_length = request.body.size();
        request.body_source = [body = std::move(request.body), at = std::size_t{0}](
                                  std::span<std::byte> out) mutable -> Result<std::size_t> {
            const std::size_t count = std::min(out.size(), body.size() - at);
            std::memcpy(out.data(), body.data() + at, count);
            at += count;
            return count;
        };
    }
    body_sent_ = false;
    sender_ = std::jthread(
        [this, chunked, request = std::move(request)]() mutable { send_body(request, chunked); });
    return {};
}

void ClientStream::send_body(ClientRequest& request, bool chunked) {
    std::vector<std::byte> buffer(part_bytes);
    while (!cancelled_) {
        auto count = request.body_source(buffer);
        if (!count) {
            // The server must not take half a body for a whole one.
            *body_error_.lock() = std::move(count).error();
            sys::shutdown_both(stream_->fd());
            return;
        }
        const auto part = std::span(buffer).first(*count);
        std::string text;
        if (chunked) {
            char size[24];
            std::snprintf(size, sizeof size, "%zx\r\n", part.size());
            text = concat(std::string_view(size), as_text(part), "\r\n");
        } else {
            text = as_text(part);
        }
        // A server that closed has perhaps answered early: the reader will see.
        if (!stream_->write(as_bytes(text))) return;
        if (part.empty()) {
            body_sent_ = true;
            return;
        }
    }
}

Error ClientStream::cut(std::string_view what) {
    auto error = body_error_.lock();
    if (error->has_value()) return (*error)->clone();
    if (!parser_.abort_reason().empty()) return fail(ErrorCode::Internal, parser_.abort_reason());
    return fail(ErrorCode::Unavailable, what);
}

Result<bool> ClientStream::fill(const std::stop_token& stop) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == buffer_.size()) buffer_.resize(std::max(part_bytes, buffer_.size() * 2));
    const auto interrupt = interrupt_on(stop, *stream_);
    const auto count = stream_->read(std::span(buffer_).subspan(end_));
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    if (!count) return count.error().clone();
    end_ += *count;
    received_any_ = received_any_ || *count > 0;
    return *count > 0;
}

Result<MessageHead> ClientStream::read_head(const std::string& method,
                                            const std::stop_token& stop) {
    while (true) {
        if (begin_ < end_)
            begin_ += TRY(parser_.parse_head(std::span(buffer_).subspan(begin_, end_ - begin_)));
        if (parser_.has_head()) {
            MessageHead head = parser_.head();
            if (head.status >= 200 || head.status == 101) {
                keep_alive_ = head.keep_alive && head.status != 101;
                return head;
            }
            parser_ = MessageParser(MessageParser::Kind::Response, max_head_bytes);
            if (method == "HEAD") parser_.expect_no_body();
            continue;
        }
        const auto more = fill(stop);
        if (!more && more.error().is(ErrorCode::Cancelled)) return more.error().clone();
        if (!more || !*more) return cut("the server closed the connection without an answer");
    }
}

Result<std::size_t> ClientStream::read_body(std::span<std::byte> out, const std::stop_token& stop) {
    while (!parser_.is_done() && !out.empty()) {
        if (begin_ < end_) {
            const auto step =
                TRY(parser_.parse_body(std::span(buffer_).subspan(begin_, end_ - begin_), out));
            begin_ += step.consumed;
            if (step.produced > 0) return step.produced;
            if (parser_.is_done()) break;
        }
        const auto more = fill(stop);
        if (!more && more.error().is(ErrorCode::Cancelled)) return more.error().clone();
        if (!more) return cut("the connection was cut in the middle of the answer");
        if (!*more) {
            keep_alive_ = false;
            if (!parser_.end_of_input())
                return cut("the connection was cut in the middle of the answer");
        }
    }
    return std::size_t{0};
}

Result<ClientResponse::Hijacked> ClientStream::hijack() {
    if (sender_.joinable()) sender_.join();
    ClientResponse::Hijacked out;
    out.early_input = as_text(std::span(buffer_).subspan(begin_, end_ - begin_));
    out.fd = TRY(stream_->release());
    stream_.reset();
    return out;
}

}  // namespace berth::http
