#include "api/error.h"

#include "base/text.h"
#include "codec/json.h"

namespace berth::api {

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::NotFound: return 404;
        case ErrorCode::AlreadyExists:
        case ErrorCode::Conflict: return 409;
        case ErrorCode::InvalidArgument: return 400;
        case ErrorCode::PermissionDenied: return 403;
        case ErrorCode::Unauthenticated: return 401;
        case ErrorCode::Unsupported: return 501;
        case ErrorCode::Unavailable: return 503;
        case ErrorCode::TimedOut:
        case ErrorCode::Cancelled:
        case ErrorCode::Corrupted:
        case ErrorCode::NoSpace:
        case ErrorCode::Internal: return 500;
    }
    return 500;
}

ErrorCode code_of(int status) {
    switch (status) {
        case 400: return ErrorCode::InvalidArgument;
        case 401: return ErrorCode::Unauthenticated;
        case 403: return ErrorCode::PermissionDenied;
        case 404: return ErrorCode::NotFound;
        case 409: return ErrorCode::Conflict;
        case 501: return ErrorCode::Unsupported;
        case 503: return ErrorCode::Unavailable;
        default: return ErrorCode::Internal;
    }
}

std::string error_body(const Error& error) {
    std::string text = error.message();
    if (!error.hint().empty()) text += concat("\nhint: ", error.hint());
    return codec::dump_json({{"message", text}}) + "\n";
}

Error parse_error(int status, std::string_view body) {
    std::string text;
    if (const auto json = codec::parse_json(body)) text = codec::get_string(*json, "message");
    if (text.empty()) text = trim(body.substr(0, 4096));
    if (text.empty()) text = concat("the engine answered with status ", status);
    std::string hint;
    if (const auto at = text.rfind("\nhint: "); at != std::string::npos) {
        hint = text.substr(at + 7);
        text.resize(at);
    }
    Error error(code_of(status), std::move(text));
    if (hint.empty()) return error;
    return std::move(error).with_hint(std::move(hint));
}

}  // namespace berth::api
