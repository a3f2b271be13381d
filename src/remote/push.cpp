#include "codec/json.h"
#include "remote/session_internal.h"

namespace berth::remote {

namespace {

/// An upload location, which may be relative, with the digest added.
std::string with_digest(const std::string& location, const oci::Digest& digest) {
    return location + (location.find('?') == std::string::npos ? "?" : "&") +
           "digest=" + http::encode_percent(digest.to_string());
}

/// What one upload consists of.
struct Upload {
    const oci::Descriptor& blob;
    const Source& source;
    const Progress& progress;
};

/// Opens an upload, asking to mount from `from` ("" does not). Returns the location, or "" when it
/// was mounted.
Result<std::string> begin_upload(HostSession& host, const std::string& path,
                                 const oci::Descriptor& blob, const std::string& from,
                                 const std::stop_token& stop) {
    std::string query;
    if (!from.empty())
        query = concat("?mount=", http::encode_percent(blob.digest.to_string()),
                       "&from=", http::encode_percent(from, "/"));
    const auto response = TRY(host.call({.method = "POST"}, path + query, stop));
    if (response.status == 201) return std::string();
    std::string location(response.headers.get("Location"));
    if (response.status != 202 || location.empty())
        return fail(ErrorCode::Unavailable, "the registry opened no upload (status ",
                    response.status, ")");
    return location;
}

// In one request, without chunks: one round trip less, and every registry must know it.
// distribution-spec v1.1 "Pushing a blob monolithically", "POST then PUT".
Result<> send_whole(HostSession& host, const std::string& location, const Upload& upload,
                    const std::stop_token& stop) {
    http::TransferRequest request{.method = "PUT"};
    request.headers.set("Content-Type", "application/octet-stream");
    std::uint64_t offset = 0;
    const auto size = static_cast<std::uint64_t>(upload.blob.size);
    request.upload_bytes = size;
    request.upload = [&](std::span<std::byte> buffer) -> Result<std::size_t> {
        if (offset == size) return std::size_t{0};
        const auto part = buffer.first(
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - offset)));
        const std::size_t count = TRY(upload.source(offset, part));
        if (count == 0)
            return fail(ErrorCode::Corrupted, "blob ", upload.blob.digest,
                        " is shorter than it should be");
        offset += count;
        if (upload.progress) upload.progress(offset);
        return count;
    };
    request.rewind = [&] {
        offset = 0;
        return true;
    };
    request.stall_limit =
        std::chrono::seconds(300);  // the registry may hash a big blob before it answers
    TRY(host.call_once(std::move(request), with_digest(location, upload.blob.digest), stop));
    return {};
}

}  // namespace

Result<PushOutcome> Repository::push_blob(const oci::Descriptor& blob, const Source& source,
                                          const std::vector<std::string>& mount_from,
                                          const Progress& progress, std::stop_token stop) {
    HostSession* host = TRY(session_->main(stop));
    if (TRY(has_blob(blob.digest, stop))) return PushOutcome::Existed;
    const std::string path = session_->path("/blobs/uploads/");
    const std::string from = mount_from.empty() ? std::string() : mount_from.front();
    if (!from.empty()) host->add_scope(concat("repository:", from, ":pull"));
    for (int attempt = 1;; ++attempt) {
        const std::string location =
            TRY(begin_upload(*host, path, blob, attempt == 1 ? from : "", stop));
        if (location.empty()) return PushOutcome::Mounted;
        auto sent = send_whole(*host, location, {blob, source, progress}, stop);
        if (sent) return PushOutcome::Pushed;
        const bool may_repeat =
            is_worth_retrying(sent.error()) || sent.error().is(ErrorCode::Unauthenticated);
        if (attempt == max_attempts || !may_repeat || stop.stop_requested())
            return std::move(sent).error();
        TRY(wait_before_retry(retry_delay(nullptr, attempt), stop));
    }
}

Result<> Repository::push_manifest(const std::string& tag_or_digest, const std::string& media_type,
                                   const std::string& bytes, std::stop_token stop) {
    HostSession* host = TRY(session_->main(stop));
    http::TransferRequest request{.method = "PUT"};
    request.headers.set("Content-Type", media_type);
    request.body = bytes;
    TRY(host->call(std::move(request), session_->path("/manifests/" + tag_or_digest), stop));
    return {};
}

Result<std::vector<std::string>> Repository::tags(std::stop_token stop) {
    HostSession* host = TRY(session_->main(stop));
    std::vector<std::string> out;
    std::string path = session_->path("/tags/list?n=1000");
    constexpr int max_pages = 1000;
    for (int page = 0; page < max_pages; ++page) {
        const auto response = TRY(host->call({}, path, stop));
        const auto document = TRY(codec::parse_json(response.body).context("list of tags"));
        for (auto& tag : codec::get_strings(document, "tags")) out.push_back(std::move(tag));
        // RFC 8288: <...>; rel="next"
        const auto link = response.headers.get("Link");
        const auto begin = link.find('<'), end = link.find('>');
        if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) break;
        const std::string next(link.substr(begin + 1, end - begin - 1));
        if (!next.starts_with('/') && !next.starts_with(host->address().base + "/")) break;
        path = next;
    }
    return out;
}

}  // namespace berth::remote
