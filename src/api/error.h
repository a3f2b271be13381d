#pragma once
#include <string>
#include <string_view>

#include "base/error.h"

namespace berth::api {

/// The one place where error codes become HTTP statuses: NotFound 404, InvalidArgument 400,
/// AlreadyExists and Conflict 409, Unauthenticated 401, PermissionDenied 403, Unsupported 501,
/// Unavailable 503, everything else 500.
int status_of(ErrorCode code);
/// The way back, for clients. A status that no code has (418) is Internal.
ErrorCode code_of(int status);

/// {"message": "..."}. A hint follows the message on a line of its own.
std::string error_body(const Error& error);
/// What a server answered with `status`: its message, or the trimmed body when that is no such
/// JSON.
Error parse_error(int status, std::string_view body);

}  // namespace berth::api
