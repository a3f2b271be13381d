#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/descriptor.h"
#include "record/database.h"

namespace berth::registry {

record::Schema schema();

/// A manifest as a repository knows it.
struct StoredManifest {
    oci::Digest digest;
    std::string media_type;
    std::int64_t size = 0;
    std::string artifact_type;     // for referrers: the manifest's own, or its config's media type
    oci::Digest subject;           // empty when it has none
    std::string annotations_json;  // object, for referrers
};

/// A page of names in order.
struct Page {
    std::vector<std::string> names;
    bool has_more = false;
};

/// Which repositories hold which blobs, manifests and tags. The bytes are in content::Store.
/// Thread-safe.
class Catalog {
public:
    explicit Catalog(record::Database& database) : database_(database) {}

    Result<bool> has_repository(const std::string& repository) const;
    Result<Page> repositories(const std::string& last, std::size_t limit) const;

    Result<> add_blob(const std::string& repository, const oci::Digest& digest);
    Result<bool> has_blob(const std::string& repository, const oci::Digest& digest) const;
    /// Any repository that has the blob; for mounts without `from`.
    Result<bool> is_blob_known(const oci::Digest& digest) const;
    /// False when it was not there.
    Result<bool> remove_blob(const std::string& repository, const oci::Digest& digest);

    /// Records manifest and tag ("" without) together.
    Result<> put_manifest(const std::string& repository, const StoredManifest& manifest,
                          const std::vector<std::string>& tags);
    Result<std::optional<StoredManifest>> find_by_tag(const std::string& repository,
                                                      const std::string& tag) const;
    Result<std::optional<StoredManifest>> find_by_digest(const std::string& repository,
                                                         const oci::Digest& digest) const;
    /// Removes the manifest and the tags that point at it.
    Result<bool> remove_manifest(const std::string& repository, const oci::Digest& digest);
    Result<bool> remove_tag(const std::string& repository, const std::string& tag);
    Result<Page> tags(const std::string& repository, const std::string& last,
                      std::size_t limit) const;
    Result<std::vector<StoredManifest>> referrers(const std::string& repository,
                                                  const oci::Digest& subject) const;

    // Uploads in progress, so that a restart can go on with them and forget the old ones. Seconds
    // since the epoch.
    Result<> add_upload(const std::string& id, const std::string& repository, std::int64_t now);
    /// The repository of the upload; nullopt when unknown.
    Result<std::optional<std::string>> find_upload(const std::string& id) const;
    Result<> remove_upload(const std::string& id);
    Result<std::vector<std::string>> uploads_before(std::int64_t time) const;

    /// Whether any repository refers to the content as blob or manifest.
    Result<bool> is_used(const oci::Digest& digest) const;

private:
    record::Database& database_;
};

}  // namespace berth::registry
