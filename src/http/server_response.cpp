#include <ctime>

#include "http/server_connection_internal.h"

namespace berth::http {

namespace {

// RFC 9110 5.6.7.
std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[40];
    return std::string(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

constexpr std::size_t coalesced_bytes = 64 << 10;

}  // namespace

bool ServerConnection::body_is_forbidden(const Response& response) const {
    return head_.method == "HEAD" || response.status == 204 || response.status == 304 ||
           response.status < 200;
}

std::string ServerConnection::render_head(const Response& response, std::string_view extra) const {
    std::string out = concat("HTTP/1.", head_.version == 10 ? 0 : 1, " ", response.status, " ",
                             reason_phrase(response.status), "\r\n");
    for (const auto& [name, value] : response.headers.fields())
        out += concat(name, ": ", value, "\r\n");
    if (!services_.options.server_name.empty() && !response.headers.has("Server"))
        out += concat("Server: ", services_.options.server_name, "\r\n");
    if (response.status >= 200 && !response.headers.has("Date"))
        out += concat("Date: ", http_date(), "\r\n");
    out += extra;
    out += "\r\n";
    return out;
}

Result<> ServerConnection::send(Response& response, std::string_view body,
                                std::string_view content_type) {
    BERTH_ASSERT(response_state_ == ResponseState::NotStarted);
    if (!content_type.empty() && !response.headers.has("Content-Type"))
        response.headers.set("Content-Type", content_type);
    const bool has_body = !body_is_forbidden(response);
    std::string extra;
    if (response.status != 204 && response.status != 304 && !response.headers.has("Content-Length"))
        extra += concat("Content-Length: ", body.size(), "\r\n");
    close_after_ = close_after_ || services_.is_stopping ||
                   response.headers.has_token("Connection", "close") ||
                   (expects_continue_ && !parser_->is_done());
    if (!head_.keep_alive || close_after_) {
        if (!response.headers.has("Connection")) extra += "Connection: close\r\n";
    } else if (head_.version == 10) {
        extra += "Connection: keep-alive\r\n";
    }
    std::string text = render_head(response, extra);
    response_state_ = ResponseState::Complete;
    const bool in_one = has_body && body.size() <= coalesced_bytes;
    if (in_one) text += body;
    TRY(stream_->write(as_bytes(text)));
    if (has_body && !in_one) return stream_->write(as_bytes(body));
    return {};
}

Result<> ServerConnection::start(Response& response) {
    if (response_state_ != ResponseState::NotStarted) return {};
    std::string extra;
    close_after_ = close_after_ || response.headers.has_token("Connection", "close");
    if (body_is_forbidden(response)) {
        response_state_ = ResponseState::Complete;
    } else if (response.headers.has("Content-Length")) {
        response_state_ = ResponseState::Buffered;
        announced_ = parse_uint(response.headers.get("Content-Length"));
    } else if (head_.version == 10) {
        response_state_ = ResponseState::UntilClose;
        close_after_ = true;
    } else {
        response_state_ = ResponseState::Chunked;
        extra += "Transfer-Encoding: chunked\r\n";
    }
    if ((close_after_ || !head_.keep_alive) && !response.headers.has("Connection"))
        extra += "Connection: close\r\n";
    return stream_->write(as_bytes(render_head(response, extra)));
}

Result<> ServerConnection::write(Response& response, std::span<const std::byte> bytes) {
    TRY(start(response));
    if (bytes.empty() || response_state_ == ResponseState::Complete) return {};
    BERTH_ASSERT(response_state_ != ResponseState::Hijacked);
    if (response_state_ == ResponseState::Aborted)
        return fail(ErrorCode::Unavailable, "the response was aborted");
    written_ += bytes.size();
    if (response_state_ != ResponseState::Chunked) return stream_->write(bytes);
    char size[24];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    std::string text(size, static_cast<std::size_t>(length));
    if (bytes.size() <= coalesced_bytes) {
        text += as_text(bytes);
        text += "\r\n";
        return stream_->write(as_bytes(text));
    }
    TRY(stream_->write(as_bytes(text)));
    TRY(stream_->write(bytes));
    return stream_->write(as_bytes("\r\n"));
}

void ServerConnection::abort(std::string_view reason) {
    const bool can_tell = response_state_ == ResponseState::Chunked && !reason.empty();
    response_state_ = ResponseState::Aborted;
    if (!can_tell) return;
    stream_->write(as_bytes(concat("1", abort_extension(reason), "\r\n")))
        .ignore("the client may have gone");
}

Result<> ServerConnection::send_file(Response& response, sys::BorrowedFd file, std::uint64_t offset,
                                     std::uint64_t length) {
    BERTH_ASSERT(response_state_ == ResponseState::NotStarted);
    response.headers.set("Content-Length", std::to_string(length));
    TRY(start(response));
    if (response_state_ == ResponseState::Complete) return {};
    const auto sent = stream_->send_file(file, offset, length);
    if (!sent) response_state_ = ResponseState::Aborted;
    if (sent) written_ = length;
    return sent.is_error() ? Result<>(sent.error().clone()) : Result<>();
}

Result<Hijacked> ServerConnection::hijack(Response& response, std::string_view content_type) {
    BERTH_ASSERT(response_state_ == ResponseState::NotStarted);
    if (!drain_request())
        return fail(ErrorCode::InvalidArgument, "the request's body was not read");
    const bool upgrades =
        head_.headers.has_token("Connection", "upgrade") && head_.headers.has("Upgrade");
    std::string extra;
    if (!content_type.empty() && !response.headers.has("Content-Type"))
        extra += concat("Content-Type: ", content_type, "\r\n");
    if (upgrades) {
        response.status = 101;
        if (!response.headers.has("Connection")) extra += "Connection: Upgrade\r\n";
        if (!response.headers.has("Upgrade"))
            extra += concat("Upgrade: ", head_.headers.get("Upgrade"), "\r\n");
    }
    end_watch();
    TRY(stream_->write(as_bytes(render_head(response, extra))));
    response_state_ = ResponseState::Hijacked;
    Hijacked out;
    out.early_input = as_text(std::span(buffer_).subspan(begin_, end_ - begin_));
    stop_.lock()->socket = -1;  // the server must not touch it any more
    out.fd = TRY(stream_->release());
    return out;
}

Result<> Response::send(std::string_view body, std::string_view content_type) {
    return connection_->send(*this, body, content_type);
}
Result<> Response::start() { return connection_->start(*this); }
Result<> Response::write(std::string_view bytes) {
    return connection_->write(*this, as_bytes(bytes));
}
Result<> Response::write(std::span<const std::byte> bytes) {
    return connection_->write(*this, bytes);
}
Result<> Response::send_file(sys::BorrowedFd file, std::uint64_t offset, std::uint64_t length) {
    return connection_->send_file(*this, file, offset, length);
}
Result<Hijacked> Response::hijack(std::string_view content_type) {
    return connection_->hijack(*this, content_type);
}
bool Response::has_started() const {
    return connection_->response_state_ != ServerConnection::ResponseState::NotStarted;
}
void Response::abort(std::string_view reason) { connection_->abort(reason); }

Result<std::size_t> Request::read(std::span<std::byte> buffer) {
    return connection_->read_body(buffer);
}

Result<std::string> Request::read_all(std::size_t limit) {
    std::string out;
    std::vector<std::byte> part(std::min<std::size_t>(limit + 1, 32 << 10));
    while (true) {
        const std::size_t count = TRY(read(part));
        if (count == 0) return out;
        if (out.size() + count > limit)
            return fail(ErrorCode::InvalidArgument, "the request body is larger than ", limit,
                        " bytes");
        out += as_text(std::span(part).first(count));
    }
}

std::optional<std::uint64_t> Request::content_length() const {
    const auto& head = connection_->head_;
    if (head.is_chunked) return std::nullopt;
    return head.content_length.value_or(0);
}

bool Request::has_body() const {
    const auto& head = connection_->head_;
    return head.is_chunked || head.content_length.value_or(0) > 0;
}

std::stop_token Request::stop_token() const { return connection_->request_stop(); }
sys::BorrowedFd Request::connection() const { return connection_->stream_->fd(); }

}  // namespace berth::http
