#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace berth {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::NotFound: return "not found";
        case ErrorCode::AlreadyExists: return "already exists";
        case ErrorCode::InvalidArgument: return "invalid argument";
        case ErrorCode::Conflict: return "conflict";
        case ErrorCode::PermissionDenied: return "permission denied";
        case ErrorCode::Unauthenticated: return "unauthenticated";
        case ErrorCode::Unsupported: return "unsupported";
        case ErrorCode::Unavailable: return "unavailable";
        case ErrorCode::TimedOut: return "timed out";
        case ErrorCode::Cancelled: return "cancelled";
        case ErrorCode::Corrupted: return "corrupted";
        case ErrorCode::NoSpace: return "no space";
        case ErrorCode::Internal: return "internal";
    }
    return "internal";
}

ErrorCode code_from_errno(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ESRCH:
        case ENXIO:
        case ENODEV: return ErrorCode::NotFound;
        case EEXIST: return ErrorCode::AlreadyExists;
        case EINVAL:
        case ENAMETOOLONG:
        case ENOTDIR:
        case EISDIR:
        case ELOOP: return ErrorCode::InvalidArgument;
        case EBUSY:
        case ENOTEMPTY:
        case EADDRINUSE:
        case ETXTBSY: return ErrorCode::Conflict;
        case EPERM:
        case EACCES:
        case EROFS: return ErrorCode::PermissionDenied;
        case ENOSYS:
        case EOPNOTSUPP: return ErrorCode::Unsupported;
        case EAGAIN:
        case ECONNREFUSED:
        case ECONNRESET:
        case EPIPE:
        case EMFILE:
        case ENFILE:
        case ENOMEM: return ErrorCode::Unavailable;
        case ETIMEDOUT: return ErrorCode::TimedOut;
        case ECANCELED: return ErrorCode::Cancelled;
        case EBADMSG:
        case EUCLEAN: return ErrorCode::Corrupted;
        case ENOSPC:
        case EDQUOT: return ErrorCode::NoSpace;
        default: return ErrorCode::Internal;
    }
}

Error::Error(ErrorCode code, std::string message)
    : state_(new State{.code = code, .message = std::move(message), .frames = {}, .hint = {}}) {}

Error Error::from_errno(std::string_view call, int error_number) {
    std::string text(call);
    text += ": ";
    const char* description = strerrordesc_np(error_number);
    text += description ? description : "unknown error";
    const char* name = strerrorname_np(error_number);
    if (name) text.append(" (").append(name).append(")");
    Error error(code_from_errno(error_number), std::move(text));
    error.state_->error_number = error_number;
    return error;
}

Error&& Error::with_context(std::string frame) && {
    state_->frames.push_back(std::move(frame));
    return std::move(*this);
}

Error&& Error::with_hint(std::string hint) && {
    if (state_->hint.empty()) state_->hint = std::move(hint);
    return std::move(*this);
}

Error&& Error::with_code(ErrorCode code) && {
    state_->code = code;
    return std::move(*this);
}

std::string Error::message() const {
    std::string text;
    for (auto frame = state_->frames.rbegin(); frame != state_->frames.rend(); ++frame) {
        text += *frame;
        text += ": ";
    }
    return text + state_->message;
}

Error Error::clone() const { return Error(std::make_unique<State>(*state_)); }

}  // namespace berth
