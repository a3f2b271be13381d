#include "codec/json.h"
#include "oci/manifest.h"
#include "oci/media_type.h"
#include "oci/reference.h"
#include "registry/registry_internal.h"

namespace berth::registry {

namespace {

bool is_digest(std::string_view reference) { return reference.find(':') != std::string_view::npos; }

StoredManifest describe(const std::variant<oci::Manifest, oci::Index>& document,
                        std::string_view bytes) {
    StoredManifest out;
    out.digest = oci::Digest::of(bytes);
    out.size = static_cast<std::int64_t>(bytes.size());
    std::visit(
        [&](const auto& value) {
            out.media_type = value.media_type;
            out.artifact_type = value.artifact_type;
            if (value.subject) out.subject = value.subject->digest;
            codec::Json annotations = codec::Json::object();
            for (const auto& [key, text] : value.annotations) annotations[key] = text;
            if (!annotations.empty()) out.annotations_json = codec::dump_json(annotations);
        },
        document);
    // distribution-spec v1.1 "Listing Referrers": the config's media type stands in for a missing
    // artifactType.
    if (const auto* manifest = std::get_if<oci::Manifest>(&document);
        manifest && out.artifact_type.empty())
        out.artifact_type = manifest->config.media_type;
    return out;
}

}  // namespace

Result<> Registry::Implementation::manifest(const Exchange& exchange) {
    const std::string& reference = exchange.route.reference;
    if (is_digest(reference)) {
        if (!digest_or_answer(exchange.response, reference)) return {};
    } else if (!oci::is_valid_tag(reference)) {
        send_error(exchange.response,
                   is_read(exchange.request) ? Code::ManifestUnknown : Code::ManifestInvalid,
                   "invalid tag", reference);
        return {};
    }
    if (is_read(exchange.request)) return send_manifest(exchange);
    if (exchange.request.method == "PUT") return put_manifest(exchange);
    if (exchange.request.method == "DELETE") return delete_manifest(exchange);
    send_error(exchange.response, Code::Unsupported, "the operation is unsupported");
    return {};
}

Result<> Registry::Implementation::send_manifest(const Exchange& exchange) {
    const auto& [repository, reference] =
        std::tie(exchange.route.repository, exchange.route.reference);
    const auto found =
        is_digest(reference)
            ? TRY(catalog_.find_by_digest(repository, TRY(oci::Digest::parse(reference))))
            : TRY(catalog_.find_by_tag(repository, reference));
    if (!found) {
        send_error(exchange.response, Code::ManifestUnknown, "manifest unknown", reference);
        return {};
    }
    auto& response = exchange.response;
    response.headers.set("Docker-Content-Digest", found->digest.to_string());
    response.headers.set("ETag", concat('"', found->digest.to_string(), '"'));
    if (exchange.request.method == "HEAD") {
        response.headers.set("Content-Type", found->media_type);
        response.headers.set("Content-Length", std::to_string(found->size));
        return response.start();
    }
    const std::string bytes = TRY(content_->read(found->digest, oci::max_manifest_bytes));
    return response.send(bytes, found->media_type);
}

Result<bool> Registry::Implementation::check_children(
    const Exchange& exchange, const std::vector<oci::Descriptor>& children) {
    const std::string& repository = exchange.route.repository;
    for (const auto& child : children) {
        if (!child.urls.empty() || child.media_type == oci::media_type::docker_foreign_layer)
            continue;
        const bool is_manifest = oci::media_type::is_manifest(child.media_type) ||
                                 oci::media_type::is_index(child.media_type);
        const bool is_there =
            is_manifest ? TRY(catalog_.find_by_digest(repository, child.digest)).has_value()
                        : TRY(catalog_.has_blob(repository, child.digest));
        if (is_there) continue;
        if (is_manifest) {
            send_error(exchange.response, Code::ManifestBlobUnknown,
                       "manifest references a manifest unknown to registry",
                       child.digest.to_string());
        } else {
            send_error(exchange.response, Code::ManifestBlobUnknown,
                       "manifest references a blob unknown to registry", child.digest.to_string());
        }
        return false;
    }
    return true;
}

Result<> Registry::Implementation::put_manifest(const Exchange& exchange) {
    const auto& [repository, reference] =
        std::tie(exchange.route.repository, exchange.route.reference);
    const auto body = exchange.request.read_all(oci::max_manifest_bytes);
    if (!body && body.error().is(ErrorCode::InvalidArgument)) {
        exchange.response.headers.set("Connection", "close");
        send_error(exchange.response, Code::ManifestInvalid, body.error().message());
        return {};
    }
    if (!body) {
        exchange.response.abort();
        return {};
    }
    const auto document =
        oci::parse_manifest_or_index(*body, exchange.request.headers.get("Content-Type"));
    if (!document) {
        send_error(exchange.response, Code::ManifestInvalid, document.error().message());
        return {};
    }
    const StoredManifest stored = describe(*document, *body);
    std::vector<std::string> tags = exchange.request.query.all("tag");
    if (!is_digest(reference)) tags.push_back(reference);
    for (const auto& tag : tags) {
        if (oci::is_valid_tag(tag)) continue;
        send_error(exchange.response, Code::ManifestInvalid, "invalid tag", tag);
        return {};
    }
    if (is_digest(reference) && reference != stored.digest.to_string()) {
        send_error(exchange.response, Code::DigestInvalid,
                   "provided digest did not match uploaded content", reference);
        return {};
    }
    if (!TRY(check_children(exchange, oci::children(*document)))) return {};
    {
        const std::lock_guard lock(removal_);
        TRY(content_->put(*body, {.digest = stored.digest}));
        TRY(catalog_.put_manifest(repository, stored, tags));
    }
    auto& response = exchange.response;
    response.status = 201;
    response.headers.set("Location", concat("/v2/", repository, "/manifests/", stored.digest));
    response.headers.set("Docker-Content-Digest", stored.digest.to_string());
    if (!stored.subject.is_empty()) response.headers.set("OCI-Subject", stored.subject.to_string());
    for (const auto& tag : exchange.request.query.all("tag")) response.headers.add("OCI-Tag", tag);
    return response.send({});
}

Result<> Registry::Implementation::delete_manifest(const Exchange& exchange) {
    const auto& [repository, reference] =
        std::tie(exchange.route.repository, exchange.route.reference);
    bool was_there = false;
    if (is_digest(reference)) {
        const auto digest = TRY(oci::Digest::parse(reference));
        was_there = TRY(catalog_.remove_manifest(repository, digest));
        if (was_there) TRY(drop_if_unused(digest));
    } else {
        was_there = TRY(catalog_.remove_tag(repository, reference));
    }
    if (!was_there) {
        send_error(exchange.response, Code::ManifestUnknown, "manifest unknown", reference);
        return {};
    }
    exchange.response.status = 202;
    return exchange.response.send({});
}

}  // namespace berth::registry
