#include "registry/error.h"

#include "base/log.h"
#include "codec/json.h"

namespace berth::registry {

namespace {

struct Entry {
    std::string_view name;
    int status;
};

Entry entry_of(Code code) {
    switch (code) {
        case Code::BlobUnknown: return {"BLOB_UNKNOWN", 404};
        case Code::BlobUploadInvalid: return {"BLOB_UPLOAD_INVALID", 400};
        case Code::BlobUploadUnknown: return {"BLOB_UPLOAD_UNKNOWN", 404};
        case Code::DigestInvalid: return {"DIGEST_INVALID", 400};
        case Code::ManifestBlobUnknown: return {"MANIFEST_BLOB_UNKNOWN", 404};
        case Code::ManifestInvalid: return {"MANIFEST_INVALID", 400};
        case Code::ManifestUnknown: return {"MANIFEST_UNKNOWN", 404};
        case Code::NameInvalid: return {"NAME_INVALID", 400};
        case Code::NameUnknown: return {"NAME_UNKNOWN", 404};
        case Code::SizeInvalid: return {"SIZE_INVALID", 400};
        case Code::Unauthorized: return {"UNAUTHORIZED", 401};
        case Code::Denied: return {"DENIED", 403};
        case Code::Unsupported: return {"UNSUPPORTED", 405};
        case Code::RangeInvalid: return {"RANGE_INVALID", 416};
        case Code::PaginationInvalid: return {"PAGINATION_NUMBER_INVALID", 400};
        case Code::Unknown: return {"UNKNOWN", 500};
    }
    return {"UNKNOWN", 500};
}

void send(http::Response& response, int status, std::string_view name, std::string_view message,
          std::string_view detail) {
    codec::Json entry = {{"code", name}, {"message", message}};
    if (!detail.empty()) entry["detail"] = detail;
    codec::Json body = codec::Json::object();
    body["errors"] = codec::Json::array({entry});
    response.status = status;
    response.send(codec::dump_json(body), "application/json").ignore("the client may be gone");
}

}  // namespace

void send_error(http::Response& response, Code code, std::string_view message,
                std::string_view detail) {
    const Entry entry = entry_of(code);
    send(response, entry.status, entry.name, message, detail);
}

void send_failure(http::Response& response, const Error& error) {
    log.warn("request failed", {{"error", error.message()}});
    if (response.has_started()) return response.abort();
    const int status = error.is(ErrorCode::NoSpace)       ? 507
                       : error.is(ErrorCode::Unavailable) ? 503
                                                          : 500;
    send(response, status, "UNKNOWN", error.message(), {});
}

}  // namespace berth::registry
