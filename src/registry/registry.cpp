#include "registry/registry_internal.h"

#include "base/log.h"
#include "oci/reference.h"

namespace berth::registry {

Registry::Registry(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Registry::~Registry() = default;
void Registry::handle(http::Request& request, http::Response& response) {
    implementation_->handle(request, response);
}

Result<std::unique_ptr<Registry>> Registry::open(const RegistryOptions& options,
                                                 const Clock& clock) {
    TRY(sys::mkdir_all(options.root, 0700).context("registry root ", options.root));
    auto lock = TRY(sys::FileLock::try_acquire(options.root + "/lock")
                        .context("registry root ", options.root)
                        .hint("another berth-registry uses this directory"));
    const record::Schema schemas[] = {schema()};
    auto database = TRY(record::Database::open(options.root + "/registry.db", schemas)
                            .context("registry root ", options.root));
    auto content = TRY(content::Store::open(options.root).context("registry root ", options.root));
    std::optional<Htpasswd> users;
    if (!options.htpasswd_file.empty()) {
        const std::string text = TRY(
            sys::read_file(options.htpasswd_file).context("password file ", options.htpasswd_file));
        users = TRY(Htpasswd::parse(text).context("password file ", options.htpasswd_file));
    }
    auto implementation = std::make_unique<Implementation>(
        options, std::move(lock), std::move(database), std::move(content), std::move(users), clock);
    TRY(implementation->expire_uploads());
    return std::unique_ptr<Registry>(new Registry(std::move(implementation)));
}

std::optional<oci::Digest> digest_or_answer(http::Response& response, std::string_view text) {
    auto digest = oci::Digest::parse(text);
    if (!digest) {
        send_error(response, Code::DigestInvalid, digest.error().message(), text);
        return std::nullopt;
    }
    if (digest->algorithm() != "sha256") {
        send_error(response, Code::DigestInvalid, "only sha256 digests are supported", text);
        return std::nullopt;
    }
    return *digest;
}

bool is_read(const http::Request& request) {
    return request.method == "GET" || request.method == "HEAD";
}

bool Registry::Implementation::is_allowed(const Exchange& exchange) {
    if (!users_ || users_->check_header(exchange.request.headers.get("Authorization"))) return true;
    exchange.response.headers.set("WWW-Authenticate", "Basic realm=\"Registry\"");
    send_error(exchange.response, Code::Unauthorized, "authentication required");
    return false;
}

void Registry::Implementation::handle(http::Request& request, http::Response& response) {
    const auto started = std::chrono::steady_clock::now();
    const auto route = find_route(request.path);
    response.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
    if (!route) {
        response.status = 404;
        response.send("404 page not found\n", "text/plain; charset=utf-8")
            .ignore("the client may be gone");
        return;
    }
    const Exchange exchange{request, response, *route};
    if (!is_allowed(exchange)) return;
    if (auto outcome = dispatch(exchange); !outcome) send_failure(response, outcome.error());
    if (log.is_enabled(LogLevel::Debug)) {
        const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - started);
        log.debug("request", {{"method", request.method},
                              {"path", request.path},
                              {"status", response.status},
                              {"us", took.count()}});
    }
}

Result<> Registry::Implementation::dispatch(const Exchange& exchange) {
    const auto& route = exchange.route;
    if (!route.repository.empty() && !oci::is_valid_repository(route.repository)) {
        send_error(exchange.response, Code::NameInvalid, "invalid repository name",
                   route.repository);
        return {};
    }
    if (options_.read_only && !is_read(exchange.request)) {
        send_error(exchange.response, Code::Denied, "this registry is read-only");
        return {};
    }
    switch (route.resource) {
        case Resource::Base: return exchange.response.send("{}", "application/json");
        case Resource::Catalog: return list_repositories(exchange);
        case Resource::Tags: return list_tags(exchange);
        case Resource::Manifest: return manifest(exchange);
        case Resource::Blob: return blob(exchange);
        case Resource::UploadStart: return start_upload(exchange);
        case Resource::Upload: return upload(exchange);
        case Resource::Referrers: return list_referrers(exchange);
    }
    return {};
}

Result<bool> Registry::Implementation::link_blob(const std::string& repository,
                                                 const oci::Digest& digest) {
    const std::lock_guard lock(removal_);
    if (!content_->has(digest)) return false;
    TRY(catalog_.add_blob(repository, digest));
    return true;
}

Result<> Registry::Implementation::drop_if_unused(const oci::Digest& digest) {
    const std::lock_guard lock(removal_);
    if (TRY(catalog_.is_used(digest))) return {};
    return content_->remove(digest);
}

}  // namespace berth::registry
