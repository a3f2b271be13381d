#include <algorithm>
#include <array>
#include <cstring>

#include "api/error.h"
#include "client/transport_internal.h"

namespace berth::client {

namespace {

constexpr std::size_t max_answer = 256 << 20;
constexpr std::size_t max_line = 16 << 20;
constexpr std::size_t piece_size = 64 << 10;

// Turns pieces of any size into the reads that http makes. An error of the source is kept: http
// only knows that the body broke off.
std::function<Result<std::size_t>(std::span<std::byte>)> reader_of(BytesSource source) {
    return [source = std::move(source), piece = std::string(),
            at = std::size_t{0}](std::span<std::byte> buffer) mutable -> Result<std::size_t> {
        if (at == piece.size()) {
            piece = TRY(source());
            at = 0;
        }
        const std::size_t count = std::min(buffer.size(), piece.size() - at);
        std::memcpy(buffer.data(), piece.data() + at, count);
        at += count;
        return count;
    };
}

}  // namespace

Result<http::ClientResponse> Transport::send(Call call, const std::stop_token& stop) {
    http::ClientRequest request;
    request.method = std::move(call.method);
    request.target = concat("/v", version_.to_string(), call.path);
    http::Query query;
    for (const auto& [name, value] : call.query) query.add(name, value);
    if (!call.query.empty()) request.target += concat("?", query.to_string());
    for (const auto& [name, value] : call.headers) request.headers.set(name, value);
    request.headers.set("User-Agent", "berth/" BERTH_VERSION);
    if (!call.json_body.empty()) {
        request.headers.set("Content-Type", "application/json");
        request.body = std::move(call.json_body);
    }
    if (call.tar_body) {
        request.headers.set("Content-Type", "application/x-tar");
        request.body_source = reader_of(std::move(call.tar_body));
    }
    request.upgrade = call.upgrade;
    auto response = TRY(connection_.send(std::move(request), stop));
    if (response.status < 400) return response;
    const std::string body = TRY(response.read_all(1 << 20, stop));
    return api::parse_error(response.status, body);
}

Result<std::string> Transport::text(Call call, const std::stop_token& stop) {
    auto response = TRY(send(std::move(call), stop));
    return response.read_all(max_answer, stop);
}

Result<codec::Json> Transport::json(Call call, const std::stop_token& stop) {
    const std::string body = TRY(text(std::move(call), stop));
    if (trim(body).empty()) return codec::Json(nullptr);
    return codec::parse_json(body).context("answer of the engine");
}

Result<> Transport::done(Call call, const std::stop_token& stop) {
    TRY(text(std::move(call), stop));
    return {};
}

Result<> Transport::bytes(Call call, const BytesSink& sink, const std::stop_token& stop) {
    auto response = TRY(send(std::move(call), stop));
    std::string buffer(piece_size, '\0');
    while (true) {
        const std::size_t count =
            TRY(response.read(std::as_writable_bytes(std::span(buffer)), stop));
        if (count == 0) return {};
        TRY(sink(std::string_view(buffer).substr(0, count)));
    }
}

Result<> Transport::lines(Call call, const BytesSink& sink, const std::stop_token& stop) {
    std::string rest;
    auto take = [&](std::string_view piece) -> Result<> {
        for (auto end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
            rest += piece.substr(0, end);
            piece.remove_prefix(end + 1);
            const std::string line = std::exchange(rest, {});
            if (!trim(line).empty()) TRY(sink(trim(line)));
        }
        if (rest.size() + piece.size() > max_line)
            return fail(ErrorCode::Corrupted, "a line of the answer is too long");
        rest += piece;
        return {};
    };
    TRY(bytes(std::move(call), take, stop));
    if (!trim(rest).empty()) return sink(trim(rest));
    return {};
}

Result<> Transport::progress(Call call, const ProgressSink& sink, const std::stop_token& stop) {
    return lines(
        std::move(call),
        [&](std::string_view line) -> Result<> {
            const auto message = TRY(api::ProgressMessage::parse(line));
            if (message.error.empty()) return sink(message);
            return Error(
                message.error_code >= 400 ? api::code_of(message.error_code) : ErrorCode::Internal,
                message.error);
        },
        stop);
}

Result<> Transport::documents(Call call, const JsonSink& sink, const std::stop_token& stop) {
    return lines(
        std::move(call),
        [&](std::string_view line) -> Result<> {
            const auto document = TRY(codec::parse_json(line));
            return sink(document);
        },
        stop);
}

Result<Session> Transport::hijack(Call call) {
    call.upgrade = true;
    auto response = TRY(send(std::move(call)));
    const bool is_raw =
        response.headers.get("Content-Type") != "application/vnd.docker.multiplexed-stream";
    auto taken = TRY(std::move(response).hijack());
    return Session(std::move(taken.fd), std::move(taken.early_input), is_raw);
}

std::string path_of(std::string_view head, std::string_view name, std::string_view tail) {
    return concat(head, http::encode_percent(name, "/:@"), tail);
}

void add_text(Query& query, std::string_view name, std::string_view value) {
    if (!value.empty()) query.emplace_back(name, value);
}

void add_flag(Query& query, std::string_view name, bool value) {
    if (value) query.emplace_back(name, "1");
}

void add_filters(Query& query, const api::Filters& filters) {
    if (!filters.is_empty()) query.emplace_back("filters", filters.to_json());
}

}  // namespace berth::client
