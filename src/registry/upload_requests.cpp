#include "oci/reference.h"
#include "registry/registry_internal.h"

namespace berth::registry {

namespace {

std::string location(const std::string& repository, const std::string& id) {
    return concat("/v2/", repository, "/blobs/uploads/", id);
}

void send_created(http::Response& response, const std::string& repository,
                  const oci::Digest& digest) {
    response.status = 201;
    response.headers.set("Location", concat("/v2/", repository, "/blobs/", digest));
    response.headers.set("Docker-Content-Digest", digest.to_string());
    response.send({}).ignore("the client may be gone; the blob is there");
}

/// "<first>-<last>" of Content-Range, which here has no unit. distribution-spec v1.1 "Pushing a
/// blob in chunks".
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_chunk_range(std::string_view text) {
    if (text.starts_with("bytes ")) text.remove_prefix(6);
    text = text.substr(0, text.find('/'));
    const auto pair = split_once(text, '-');
    if (!pair) return std::nullopt;
    const auto first = parse_uint(pair->first), last = parse_uint(pair->second);
    if (!first || !last || *last < *first) return std::nullopt;
    return std::pair(*first, *last);
}

}  // namespace

Result<bool> Registry::Implementation::try_mount(const Exchange& exchange) {
    const auto& query = exchange.request.query;
    const auto digest = oci::Digest::parse(query.get("mount"));
    if (!digest) return false;
    const std::string from = query.get("from");
    // Without `from` any repository will do: everyone who may push may read everything here.
    const bool is_there =
        from.empty() ? TRY(catalog_.is_blob_known(*digest)) : TRY(catalog_.has_blob(from, *digest));
    if (!is_there || !TRY(link_blob(exchange.route.repository, *digest))) return false;
    send_created(exchange.response, exchange.route.repository, *digest);
    return true;
}

Result<> Registry::Implementation::start_upload(const Exchange& exchange) {
    if (exchange.request.method != "POST") {
        send_error(exchange.response, Code::Unsupported, "the operation is unsupported");
        return {};
    }
    if (exchange.request.query.has("mount") && TRY(try_mount(exchange))) return {};
    uploads_.expire().ignore("tried again at the next upload");
    auto session = TRY(uploads_.begin(exchange.route.repository));
    if (!exchange.request.query.has("digest")) {
        send_upload_state(exchange, session, 202);
        return {};
    }
    if (!TRY(receive(exchange, session))) return uploads_.cancel(std::move(session));
    return finish_upload(exchange, std::move(session));
}

Result<> Registry::Implementation::upload(const Exchange& exchange) {
    auto taken = uploads_.take(exchange.route.repository, exchange.route.reference);
    if (!taken && taken.error().is(ErrorCode::NotFound)) {
        send_error(exchange.response, Code::BlobUploadUnknown, "blob upload unknown to registry",
                   exchange.route.reference);
        return {};
    }
    if (!taken && taken.error().is(ErrorCode::Conflict)) {
        send_error(exchange.response, Code::BlobUploadInvalid, taken.error().message());
        return {};
    }
    Uploads::Session session = TRY(std::move(taken));
    const std::string& method = exchange.request.method;
    if (method == "GET" || method == "HEAD") {
        send_upload_state(exchange, session, 204);
    } else if (method == "DELETE") {
        TRY(uploads_.cancel(std::move(session)));
        exchange.response.status = 204;
    } else if (method == "PATCH") {
        if (TRY(receive(exchange, session))) send_upload_state(exchange, session, 202);
    } else if (method == "PUT") {
        if (TRY(receive(exchange, session))) return finish_upload(exchange, std::move(session));
    } else {
        send_error(exchange.response, Code::Unsupported, "the operation is unsupported");
    }
    return {};
}

// False when the request was answered with an error, or the client went away; what arrived stays
// for a resumption.
Result<bool> Registry::Implementation::receive(const Exchange& exchange,
                                               Uploads::Session& session) {
    auto& request = exchange.request;
    if (const auto text = request.headers.get("Content-Range"); !text.empty()) {
        const auto range = parse_chunk_range(text);
        const auto length = request.content_length();
        if (!range || range->first != session.writer().offset() ||
            (length && *length != range->second - range->first + 1)) {
            exchange.response.headers.set("Location",
                                          location(exchange.route.repository, session.id()));
            exchange.response.headers.set(
                "Range", concat("0-", std::max<std::uint64_t>(session.writer().offset(), 1) - 1));
            send_error(exchange.response, Code::RangeInvalid,
                       "the chunk does not follow what was uploaded", text);
            return false;
        }
    }
    std::vector<std::byte> buffer(256 << 10);
    while (true) {
        const auto count = request.read(buffer);
        if (!count) {
            exchange.response.abort();
            return false;
        }
        if (*count == 0) return true;
        TRY(session.writer().write(std::span(buffer).first(*count)));
    }
}

Result<> Registry::Implementation::finish_upload(const Exchange& exchange,
                                                 Uploads::Session session) {
    const auto digest = digest_or_answer(exchange.response, exchange.request.query.get("digest"));
    if (!digest) return {};
    // Protects the blob until its row is there.
    const auto lease = content_->lease();
    const auto info = uploads_.finish(std::move(session), {.digest = *digest});
    if (!info && info.error().is(ErrorCode::Corrupted)) {
        send_error(exchange.response, Code::DigestInvalid,
                   "provided digest did not match uploaded content", digest->to_string());
        return {};
    }
    if (!info) return info.error().clone();
    if (!TRY(link_blob(exchange.route.repository, *digest)))
        return fail(ErrorCode::Unavailable, "blob ", *digest, " was removed while it was pushed");
    send_created(exchange.response, exchange.route.repository, *digest);
    return {};
}

void Registry::Implementation::send_upload_state(const Exchange& exchange,
                                                 Uploads::Session& session, int status) {
    auto& response = exchange.response;
    const std::uint64_t offset = session.writer().offset();
    response.status = status;
    response.headers.set("Location", location(exchange.route.repository, session.id()));
    response.headers.set("Range", concat("0-", offset == 0 ? 0 : offset - 1));
    response.headers.set("Docker-Upload-UUID", session.id());
    response.send({}).ignore("the client may be gone");
}

}  // namespace berth::registry
