#pragma once
#include <string_view>

#include "base/result.h"
#include "http/server.h"

namespace berth::registry {

/// The specification's error codes with their usual status. distribution-spec v1.1 "Error Codes".
enum class Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    Unauthorized,
    Denied,
    Unsupported,
    RangeInvalid,
    PaginationInvalid,
    Unknown,
};

/// Answers {"errors":[{"code","message","detail"}]} with the code's status.
void send_error(http::Response& response, Code code, std::string_view message,
                std::string_view detail = {});
/// For failures of this machine, such as a full disk: 507, 503 or 500.
void send_failure(http::Response& response, const Error& error);

}  // namespace berth::registry
