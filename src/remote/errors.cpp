#include "base/random.h"
#include "codec/json.h"
#include "remote/session_internal.h"

namespace berth::remote {

namespace {

ErrorCode code_of(int status) {
    switch (status) {
        case 401: return ErrorCode::Unauthenticated;
        case 403: return ErrorCode::PermissionDenied;
        case 404: return ErrorCode::NotFound;
        case 405:
        case 501: return ErrorCode::Unsupported;
        case 408:
        case 429: return ErrorCode::Unavailable;
        default: return status >= 500 ? ErrorCode::Unavailable : ErrorCode::InvalidArgument;
    }
}

/// distribution-spec v1.1 "Error Codes", in Docker's form: "manifest unknown: manifest unknown".
std::string words_of(const std::string& body) {
    const auto document = codec::parse_json(body);
    if (!document || !document->is_object()) return {};
    const codec::Json* errors = codec::find_member(*document, "errors");
    if (!errors || !errors->is_array() || errors->empty())
        return codec::get_string(*document, "details");
    const codec::Json& first = errors->front();
    std::string code = to_lower(codec::get_string(first, "code"));
    code = replace_all(code, "_", " ");
    const std::string message = codec::get_string(first, "message");
    if (code.empty()) return message;
    return message.empty() ? code : concat(code, ": ", message);
}

}  // namespace

Error registry_error(const http::TransferResponse& response) {
    std::string words = words_of(response.body);
    if (words.empty() && response.status == 401) words = "unauthorized: authentication required";
    if (words.empty() && response.status == 403)
        words = "denied: requested access to the resource is denied";
    if (words.empty() && response.status == 429) words = "toomanyrequests: too many requests";
    if (words.empty() && response.status == 404) words = concat("not found: ", response.url);
    if (words.empty())
        words = concat("unexpected status ", response.status, " from ", response.url);
    return fail(code_of(response.status), words);
}

std::chrono::milliseconds retry_delay(const http::Headers* headers, int attempt) {
    using std::chrono::milliseconds;
    if (headers != nullptr)
        if (const auto seconds = parse_uint(headers->get("Retry-After")))
            return milliseconds(std::min<std::uint64_t>(*seconds, 60) * 1000);
    return milliseconds(250) * (1 << std::min(attempt - 1, 5));
}

Result<> wait_before_retry(std::chrono::milliseconds delay, const std::stop_token& stop) {
    Guarded<bool> never;
    never.lock().wait_for(stop, delay, [](bool) { return false; });
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    return {};
}

bool is_worth_retrying(const Error& error) {
    return error.is(ErrorCode::Unavailable) || error.is(ErrorCode::TimedOut);
}

}  // namespace berth::remote
