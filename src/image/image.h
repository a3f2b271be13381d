#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "oci/descriptor.h"
#include "oci/manifest.h"
#include "oci/reference.h"

namespace berth::oci {
struct ImageConfig;
}

namespace berth::image {

/// One layer: the tar it unpacks to, and the blob that carries it.
struct Layer {
    oci::Digest diff_id;   // of the uncompressed tar
    oci::Descriptor blob;  // as the manifest names it
    bool operator==(const Layer&) const = default;
};

/// An image made definite: one platform's manifest with its configuration and layers. A value;
/// cheap to copy.
struct Image {
    oci::Digest
        id;  // digest of the target, an index or a manifest: what users see as the image's id
    oci::Descriptor target;
    oci::Descriptor manifest;  // equals target unless that is an index
    oci::Platform platform;
    oci::Digest config_digest;
    std::shared_ptr<const oci::ImageConfig> config;
    std::shared_ptr<const std::string> config_json;  // exact bytes
    std::vector<Layer> layers;                       // bottom first

    std::vector<oci::Digest> diff_ids() const;
};

/// One manifest within an image, for `images --tree` and inspect's Manifests.
struct ManifestSummary {
    oci::Descriptor descriptor;
    oci::Platform platform;
    bool available = false;  // all of its content is here
    bool is_attestation = false;
    std::int64_t content_bytes = 0;  // compressed blobs
    std::int64_t unpacked_bytes = 0;
};

/// A row of `images`, and what inspect shows beyond the configuration.
struct Summary {
    oci::Digest id;
    oci::Descriptor target;
    std::vector<std::string> repo_tags;     // "debian:bookworm"; familiar, sorted
    std::vector<std::string> repo_digests;  // "debian@sha256:..."
    Timestamp created{};                    // from the configuration
    Timestamp tagged{};                     // LastTagTime
    std::int64_t size = 0;                  // bytes on this machine: blobs and unpacked layers
    std::int64_t content_bytes = 0, unpacked_bytes = 0;
    std::int64_t shared_bytes = -1;  // -1: not computed
    std::int64_t containers = -1;
    std::vector<std::pair<std::string, std::string>> labels;
    oci::Platform platform;
    std::string parent;
    std::vector<ManifestSummary> manifests;
};

/// A line of `history`, newest first.
struct HistoryEntry {
    std::string id = "<missing>";
    Timestamp created{};
    std::string created_by, comment;
    std::int64_t size = 0;
    std::vector<std::string> tags;
};

/// A line of the answer to rmi and prune. Exactly one is set.
struct Removed {
    std::string untagged, deleted;
};

}  // namespace berth::image
