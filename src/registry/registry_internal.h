#pragma once
#include <mutex>

#include "content/store.h"
#include "registry/catalog.h"
#include "registry/error.h"
#include "registry/htpasswd.h"
#include "registry/registry.h"
#include "registry/route.h"
#include "registry/uploads.h"
#include "sys/file.h"

namespace berth::registry {

struct Exchange {
    http::Request& request;
    http::Response& response;
    const Route& route;
};

/// Failures of this machine come back as errors; what the client did wrong is answered in place.
class Registry::Implementation {
public:
    Implementation(RegistryOptions options, sys::FileLock lock,
                   std::unique_ptr<record::Database> database,
                   std::unique_ptr<content::Store> content, std::optional<Htpasswd> users,
                   const Clock& clock)
        : options_(std::move(options)),
          lock_(std::move(lock)),
          database_(std::move(database)),
          content_(std::move(content)),
          users_(std::move(users)),
          catalog_(*database_),
          uploads_(*content_, catalog_, clock) {}

    void handle(http::Request& request, http::Response& response);
    Result<> expire_uploads() { return uploads_.expire(); }

private:
    Result<> dispatch(const Exchange& exchange);
    bool is_allowed(const Exchange& exchange);

    // blobs.cpp
    Result<> blob(const Exchange& exchange);
    Result<> send_blob(const Exchange& exchange, const oci::Digest& digest);
    Result<> delete_blob(const Exchange& exchange, const oci::Digest& digest);
    // upload_requests.cpp
    Result<> start_upload(const Exchange& exchange);
    Result<bool> try_mount(const Exchange& exchange);
    Result<> upload(const Exchange& exchange);
    Result<bool> receive(const Exchange& exchange, Uploads::Session& session);
    Result<> finish_upload(const Exchange& exchange, Uploads::Session session);
    void send_upload_state(const Exchange& exchange, Uploads::Session& session, int status);
    // manifests.cpp
    Result<> manifest(const Exchange& exchange);
    Result<> send_manifest(const Exchange& exchange);
    Result<> put_manifest(const Exchange& exchange);
    Result<> delete_manifest(const Exchange& exchange);
    Result<bool> check_children(const Exchange& exchange,
                                const std::vector<oci::Descriptor>& children);
    // listing.cpp
    Result<> list_tags(const Exchange& exchange);
    Result<> list_repositories(const Exchange& exchange);
    Result<> list_referrers(const Exchange& exchange);

    /// Links a blob into a repository unless it vanished meanwhile; see removal_.
    Result<bool> link_blob(const std::string& repository, const oci::Digest& digest);
    Result<> drop_if_unused(const oci::Digest& digest);

    RegistryOptions options_;
    sys::FileLock lock_;
    std::unique_ptr<record::Database> database_;
    std::unique_ptr<content::Store> content_;
    std::optional<Htpasswd> users_;
    Catalog catalog_;
    Uploads uploads_;
    /// Held while a row is added for content that is there, and while content without rows is
    /// removed.
    std::mutex removal_;
};

/// The digest of a path or query; answers DIGEST_INVALID and gives nullopt when it is none that is
/// supported.
std::optional<oci::Digest> digest_or_answer(http::Response& response, std::string_view text);
bool is_read(const http::Request& request);

}  // namespace berth::registry
