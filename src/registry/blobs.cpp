#include "http/range.h"
#include "registry/registry_internal.h"

namespace berth::registry {

Result<> Registry::Implementation::blob(const Exchange& exchange) {
    const auto digest = digest_or_answer(exchange.response, exchange.route.reference);
    if (!digest) return {};
    if (is_read(exchange.request)) return send_blob(exchange, *digest);
    if (exchange.request.method == "DELETE") return delete_blob(exchange, *digest);
    send_error(exchange.response, Code::Unsupported, "the operation is unsupported");
    return {};
}

Result<> Registry::Implementation::send_blob(const Exchange& exchange, const oci::Digest& digest) {
    auto& response = exchange.response;
    // A manifest is a blob too, as far as the specification's clients care.
    const bool is_known =
        TRY(catalog_.has_blob(exchange.route.repository, digest)) ||
        TRY(catalog_.find_by_digest(exchange.route.repository, digest)).has_value();
    auto reader = content_->open_blob(digest);
    if (!is_known || (!reader && reader.error().is(ErrorCode::NotFound))) {
        send_error(response, Code::BlobUnknown, "blob unknown to registry", digest.to_string());
        return {};
    }
    if (!reader) return std::move(reader).error();
    response.headers.set("Content-Type", "application/octet-stream");
    response.headers.set("Docker-Content-Digest", digest.to_string());
    response.headers.set("ETag", concat('"', digest.to_string(), '"'));
    response.headers.set("Accept-Ranges", "bytes");
    response.headers.set("Cache-Control", "max-age=31536000");
    http::ByteRange range{0, reader->bytes()};
    switch (http::parse_range(exchange.request.headers.get("Range"), reader->bytes(), range)) {
        case http::RangeOutcome::Whole: break;
        case http::RangeOutcome::Partial:
            response.status = 206;
            response.headers.set("Content-Range",
                                 concat("bytes ", range.offset, "-",
                                        range.offset + range.length - 1, "/", reader->bytes()));
            break;
        case http::RangeOutcome::Unsatisfiable:
            response.headers.set("Content-Range", concat("bytes */", reader->bytes()));
            send_error(response, Code::RangeInvalid, "requested range not satisfiable");
            return {};
    }
    response.send_file(reader->fd(), range.offset, range.length)
        .ignore("the client went away; the connection closes");
    return {};
}

Result<> Registry::Implementation::delete_blob(const Exchange& exchange,
                                               const oci::Digest& digest) {
    if (!TRY(catalog_.remove_blob(exchange.route.repository, digest))) {
        send_error(exchange.response, Code::BlobUnknown, "blob unknown to registry",
                   digest.to_string());
        return {};
    }
    TRY(drop_if_unused(digest));
    exchange.response.status = 202;
    return exchange.response.send({});
}

}  // namespace berth::registry
