#include "codec/json.h"
#include "http/query.h"
#include "oci/media_type.h"
#include "registry/registry_internal.h"

namespace berth::registry {

namespace {

constexpr std::size_t default_page = 1000, max_page = 10'000;

/// Parameters n and last; nullopt after answering that n is none.
struct PageRequest {
    std::string last;
    std::size_t limit = default_page;
};
std::optional<PageRequest> page_or_answer(const Exchange& exchange) {
    PageRequest out{.last = exchange.request.query.get("last")};
    if (!exchange.request.query.has("n")) return out;
    const auto n = parse_uint(exchange.request.query.get("n"));
    if (!n) {
        send_error(exchange.response, Code::PaginationInvalid,
                   "invalid number of results requested", exchange.request.query.get("n"));
        return std::nullopt;
    }
    out.limit = std::min<std::size_t>(*n, max_page);
    return out;
}

void add_link(const Exchange& exchange, const Page& page, std::size_t limit) {
    if (!page.has_more || page.names.empty()) return;
    exchange.response.headers.set(
        "Link", concat("<", exchange.request.path, "?n=", limit,
                       "&last=", http::encode_percent(page.names.back()), ">; rel=\"next\""));
}

}  // namespace

Result<> Registry::Implementation::list_tags(const Exchange& exchange) {
    const auto wanted = page_or_answer(exchange);
    if (!wanted) return {};
    const std::string& repository = exchange.route.repository;
    if (!TRY(catalog_.has_repository(repository))) {
        send_error(exchange.response, Code::NameUnknown, "repository name not known to registry",
                   repository);
        return {};
    }
    const Page page = TRY(catalog_.tags(repository, wanted->last, wanted->limit));
    add_link(exchange, page, wanted->limit);
    const codec::Json body = {{"name", repository}, {"tags", page.names}};
    return exchange.response.send(codec::dump_json(body), "application/json");
}

Result<> Registry::Implementation::list_repositories(const Exchange& exchange) {
    const auto wanted = page_or_answer(exchange);
    if (!wanted) return {};
    const Page page = TRY(catalog_.repositories(wanted->last, wanted->limit));
    add_link(exchange, page, wanted->limit);
    codec::Json body = codec::Json::object();
    body["repositories"] = page.names;
    return exchange.response.send(codec::dump_json(body), "application/json");
}

Result<> Registry::Implementation::list_referrers(const Exchange& exchange) {
    const auto digest = digest_or_answer(exchange.response, exchange.route.reference);
    if (!digest) return {};
    const std::string wanted = exchange.request.query.get("artifactType");
    codec::Json entries = codec::Json::array();
    for (const auto& referrer : TRY(catalog_.referrers(exchange.route.repository, *digest))) {
        if (!wanted.empty() && referrer.artifact_type != wanted) continue;
        codec::Json entry = {{"mediaType", referrer.media_type},
                             {"digest", referrer.digest.to_string()},
                             {"size", referrer.size}};
        if (!referrer.artifact_type.empty()) entry["artifactType"] = referrer.artifact_type;
        if (!referrer.annotations_json.empty())
            entry["annotations"] = TRY(codec::parse_json(referrer.annotations_json));
        entries.push_back(std::move(entry));
    }
    if (!wanted.empty()) exchange.response.headers.set("OCI-Filters-Applied", "artifactType");
    codec::Json body = {{"schemaVersion", 2}, {"mediaType", oci::media_type::oci_index}};
    body["manifests"] = std::move(entries);
    return exchange.response.send(codec::dump_json(body), oci::media_type::oci_index);
}

}  // namespace berth::registry
