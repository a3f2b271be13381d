#include "remote/registry.h"

#include "codec/json.h"
#include "oci/media_type.h"
#include "remote/session_internal.h"

namespace berth::remote {

class Registries::Implementation {
public:
    explicit Implementation(HostOptions given)
        : transfers(given.user_agent.empty() ? "berth/" BERTH_VERSION : given.user_agent),
          reach_(std::make_shared<Reach>(std::move(given))) {}

    /// How hosts are reached, and what was learned about them on that ground. Each session keeps
    /// the one that it began with.
    struct Reach {
        explicit Reach(HostOptions given) : options(std::move(given)), addresses(options) {}
        const HostOptions options;
        Addresses addresses;
    };

    std::shared_ptr<Reach> reach() { return *reach_.lock(); }
    void replace(std::shared_ptr<Reach> reach) { *reach_.lock() = std::move(reach); }

    http::Transfers transfers;

private:
    Guarded<std::shared_ptr<Reach>> reach_;
};

Registries::Registries(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Registries::~Registries() = default;

Result<std::unique_ptr<Registries>> Registries::create(HostOptions options) {
    return std::unique_ptr<Registries>(
        new Registries(std::make_unique<Implementation>(std::move(options))));
}

void Registries::reconfigure(std::vector<std::string> insecure, std::vector<std::string> mirrors) {
    HostOptions options = implementation_->reach()->options;
    options.insecure = std::move(insecure);
    options.mirrors = std::move(mirrors);
    implementation_->replace(std::make_shared<Implementation::Reach>(std::move(options)));
}

Result<std::unique_ptr<Repository>> Registries::open(const oci::Reference& name, Access access,
                                                     CredentialsProvider credentials) {
    auto& with = *implementation_;
    const auto reach = with.reach();
    auto session = std::make_unique<Repository::Session>(
        with.transfers, std::shared_ptr<Addresses>(reach, &reach->addresses),
        name.without_version(), access, std::move(credentials), reach->options);
    return std::unique_ptr<Repository>(new Repository(std::move(session)));
}

Result<std::string> Registries::login(const std::string& host, const Credentials& credentials,
                                      std::stop_token stop) {
    auto& with = *implementation_;
    std::string name = host;
    if (const auto scheme = name.find("://"); scheme != std::string::npos)
        name = name.substr(scheme + 3);
    name = name.substr(0, name.find('/'));
    if (name.empty() || name == "index.docker.io" || name == "registry-1.docker.io")
        name = "docker.io";
    const HostAddress address = TRY(with.reach()->addresses.find(name, with.transfers, stop));
    HostSession session(with.transfers, address, credentials, {});
    session.want_identity_token();
    TRY(session.call({}, "/v2/", stop).context("login attempt to ", address.base, "/v2/"));
    return session.identity_token();
}

Result<std::vector<Registries::Found>> Registries::search(const std::string& term, int limit,
                                                          std::stop_token stop) {
    auto& with = *implementation_;
    const auto parts = split_once(term, '/');
    const bool names_host = parts && (parts->first.find_first_of(".:") != std::string_view::npos ||
                                      parts->first == "localhost");
    const std::string host(names_host ? parts->first : "docker.io");
    HostAddress address = TRY(with.reach()->addresses.find(host, with.transfers, stop));
    // The search of docker.io is served by another host than its images.
    if (host == "docker.io") address.base = "https://index.docker.io";
    http::Query query;
    query.add("q", names_host ? std::string(parts->second) : term);
    query.add("n", std::to_string(limit));
    HostSession session(with.transfers, address, Credentials{}, {});
    const auto response =
        TRY(session.call({}, "/v1/search?" + query.to_string(), stop).context("search ", host));
    const auto document = TRY(codec::parse_json(response.body).context("search ", host));
    std::vector<Found> out;
    const auto* results = codec::find_member(document, "results");
    if (!results || !results->is_array()) return out;
    for (const auto& result : *results) {
        Found found{.name = codec::get_string(result, "name"),
                    .description = codec::get_string(result, "description"),
                    .stars = codec::get_int(result, "star_count"),
                    .is_official = codec::get_bool(result, "is_official")};
        if (names_host) found.name = concat(host, "/", found.name);
        out.push_back(std::move(found));
        if (out.size() >= static_cast<std::size_t>(limit)) break;
    }
    return out;
}

Repository::Repository(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Repository::~Repository() = default;
const oci::Reference& Repository::name() const { return session_->name; }

namespace {

/// The descriptor that headers (and, when there are some, the bytes) speak of.
Result<oci::Descriptor> describe(const http::TransferResponse& response,
                                 const std::string& wanted) {
    oci::Descriptor out;
    const auto type = response.headers.get("Content-Type");
    out.media_type = trim(type.substr(0, type.find(';')));
    if (const auto digest = response.headers.get("Docker-Content-Digest"); !digest.empty())
        out.digest = TRY(oci::Digest::parse(digest));
    out.size =
        static_cast<std::int64_t>(parse_uint(response.headers.get("Content-Length")).value_or(0));
    if (!response.body.empty()) {
        const oci::Digest actual = oci::Digest::of(response.body);
        const bool by_digest = wanted.find(':') != std::string::npos;
        if (by_digest && actual.to_string() != wanted && wanted.starts_with("sha256:"))
            return fail(ErrorCode::Corrupted, "the registry sent a manifest with digest ", actual,
                        " for ", wanted);
        if (!out.digest.is_empty() && out.digest.algorithm() == "sha256" && out.digest != actual)
            return fail(ErrorCode::Corrupted, "the registry sent a manifest with digest ", actual,
                        " and called it ", out.digest);
        out.digest = actual;
        out.size = static_cast<std::int64_t>(response.body.size());
    }
    return out;
}

}  // namespace

Result<FetchedManifest> Repository::fetch_manifest(const std::string& tag_or_digest,
                                                   std::stop_token stop) {
    Result<FetchedManifest> out = fail(ErrorCode::Unavailable, "no registry to ask");
    const auto readers = TRY(session_->readers(Session::Reading::Manifests, stop));
    for (HostSession* reader : readers) {
        http::TransferRequest request;
        request.headers.set("Accept", oci::media_type::accepted_manifests());
        auto response =
            reader->call(std::move(request), session_->path("/manifests/" + tag_or_digest), stop);
        if (response) {
            const auto type = response->headers.get("Content-Type");
            if (type.starts_with("text/html"))
                return Error(ErrorCode::InvalidArgument,
                             concat(response->url,
                                    " answered with a web page (text/html) instead of a manifest"))
                    .with_hint("is this a registry, or a proxy or log-in page in front of one?");
            FetchedManifest fetched;
            fetched.descriptor = TRY(describe(*response, tag_or_digest));
            fetched.bytes = std::move(response->body);
            return fetched;
        }
        out = std::move(response).error();
        session_->give_up(reader);
        if (stop.stop_requested()) break;
    }
    return out;
}

Result<oci::Descriptor> Repository::resolve(const std::string& tag_or_digest,
                                            std::stop_token stop) {
    HostSession* host = TRY(session_->main(stop));
    http::TransferRequest request{.method = "HEAD"};
    request.headers.set("Accept", oci::media_type::accepted_manifests());
    const auto response = TRY(
        host->call(std::move(request), session_->path("/manifests/" + tag_or_digest), stop, {404}));
    if (response.status == 404)
        return fail(ErrorCode::NotFound, "manifest unknown: manifest unknown");
    auto described = TRY(describe(response, tag_or_digest));
    if (!described.digest.is_empty() && !described.media_type.empty()) return described;
    // A registry that keeps the digest to itself: read the manifest.
    return TRY(fetch_manifest(tag_or_digest, stop)).descriptor;
}

Result<bool> Repository::has_blob(const oci::Digest& digest, std::stop_token stop) {
    HostSession* host = TRY(session_->main(stop));
    const auto response = TRY(host->call(
        {.method = "HEAD"}, session_->path("/blobs/" + digest.to_string()), stop, {404}));
    return response.status == 200;
}

}  // namespace berth::remote
