#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <functional>
#include <variant>

#include "http/message_parser_internal.h"
#include "http/query.h"

namespace berth::http {

namespace beast = boost::beast::http;

namespace {

using RequestParser = beast::request_parser<beast::buffer_body>;
using ResponseParser = beast::response_parser<beast::buffer_body>;

Error parse_error(const boost::beast::error_code& error) {
    return fail(ErrorCode::InvalidArgument, "malformed HTTP message: ", error.message());
}

std::string text(boost::beast::string_view view) { return std::string(view.data(), view.size()); }

constexpr std::string_view abort_name = ";berth-abort=";
constexpr std::size_t max_reason_bytes = 2000;

std::string reason_in(std::string_view extension) {
    if (!extension.starts_with(abort_name)) return {};
    return decode_percent(extension.substr(abort_name.size()));
}

}  // namespace

std::string abort_extension(std::string_view reason) {
    return concat(abort_name, encode_percent(reason.substr(0, max_reason_bytes)));
}

struct MessageParser::State {
    std::variant<RequestParser, ResponseParser> parser;
    std::string abort_reason;
    // Beast keeps a reference to it.
    std::function<void(std::uint64_t, boost::beast::string_view, boost::beast::error_code&)>
        on_chunk_header =
            [this](std::uint64_t, boost::beast::string_view extension, boost::beast::error_code&) {
                if (!extension.empty())
                    abort_reason = reason_in(std::string_view(extension.data(), extension.size()));
            };

    template <typename Function>
    auto visit(Function function) {
        return std::visit(function, parser);
    }
};

MessageParser::MessageParser(Kind kind, std::size_t max_header_bytes)
    : state_(std::make_unique<State>()) {
    if (kind == Kind::Response) state_->parser.emplace<ResponseParser>();
    state_->visit([&](auto& parser) {
        parser.header_limit(static_cast<std::uint32_t>(max_header_bytes));
        parser.body_limit(boost::none);
        parser.eager(false);
        parser.on_chunk_header(state_->on_chunk_header);
    });
}

MessageParser::MessageParser(MessageParser&&) noexcept = default;
MessageParser& MessageParser::operator=(MessageParser&&) noexcept = default;
MessageParser::~MessageParser() = default;

Result<std::size_t> MessageParser::parse_head(std::span<const std::byte> bytes) {
    return state_->visit([&](auto& parser) -> Result<std::size_t> {
        boost::beast::error_code error;
        const std::size_t taken =
            parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
        if (error && error != beast::error::need_more) return parse_error(error);
        return taken;
    });
}

bool MessageParser::has_head() const {
    return state_->visit([](auto& parser) { return parser.is_header_done(); });
}

MessageHead MessageParser::head() const {
    return state_->visit([](auto& parser) {
        MessageHead out;
        auto& message = parser.get();
        if constexpr (std::is_same_v<std::decay_t<decltype(parser)>, RequestParser>) {
            out.method = text(message.method_string());
            out.target = text(message.target());
        } else {
            out.status = static_cast<int>(message.result_int());
            out.reason = text(message.reason());
        }
        out.version = static_cast<int>(message.version());
        for (const auto& field : message)
            out.headers.add(text(field.name_string()), text(field.value()));
        out.keep_alive = parser.keep_alive();
        out.is_chunked = parser.chunked();
        if (const auto length = parser.content_length()) out.content_length = *length;
        return out;
    });
}

Result<MessageParser::Step> MessageParser::parse_body(std::span<const std::byte> bytes,
                                                      std::span<std::byte> out) {
    return state_->visit([&](auto& parser) -> Result<Step> {
        Step step;
        while (!parser.is_done() && step.consumed < bytes.size() && step.produced < out.size()) {
            auto& body = parser.get().body();
            body.data = out.data() + step.produced;
            body.size = out.size() - step.produced;
            body.more = true;
            boost::beast::error_code error;
            const auto rest = bytes.subspan(step.consumed);
            const std::size_t taken =
                parser.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
            step.consumed += taken;
            step.produced = out.size() - body.size;
            if (error == beast::error::need_more) break;
            if (error && error != beast::error::need_buffer) return parse_error(error);
            if (taken == 0) break;
        }
        return step;
    });
}

bool MessageParser::is_done() const {
    return state_->visit([](auto& parser) { return parser.is_done(); });
}

const std::string& MessageParser::abort_reason() const { return state_->abort_reason; }

Result<> MessageParser::end_of_input() {
    return state_->visit([](auto& parser) -> Result<> {
        boost::beast::error_code error;
        parser.put_eof(error);
        if (error)
            return fail(ErrorCode::Unavailable,
                        "the connection was cut in the middle of a message");
        return {};
    });
}

void MessageParser::expect_no_body() {
    state_->visit([](auto& parser) { parser.skip(true); });
}

}  // namespace berth::http
