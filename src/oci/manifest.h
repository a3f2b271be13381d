#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oci/descriptor.h"

namespace berth::oci {

/// An image manifest: one configuration and its layers, bottom first. OCI or Docker schema 2 as
/// `media_type` says. image-spec v1.1, manifest.md. The bytes that were parsed are what the digest
/// is of: keep them, never re-serialise.
struct Manifest {
    std::string media_type;
    std::string artifact_type;
    Descriptor config;
    std::vector<Descriptor> layers;
    std::optional<Descriptor> subject;
    Annotations annotations;

    /// For a manifest being made: its bytes, indented as Docker's are.
    std::string to_json() const;
};

/// An image index (or Docker manifest list). image-spec v1.1, image-index.md.
struct Index {
    std::string media_type;
    std::string artifact_type;
    std::vector<Descriptor> manifests;
    std::optional<Descriptor> subject;
    Annotations annotations;

    std::string to_json() const;
    /// The entry that suits the platform best; attestation manifests (platform unknown/unknown)
    /// never do.
    const Descriptor* find(const Platform& wanted) const;
};

inline constexpr std::size_t max_manifest_bytes = 4 << 20;

/// Reads either kind. `declared_type` (from Content-Type or a descriptor; may be empty) must agree
/// with the document's own mediaType when both are there. InvalidArgument says what is wrong;
/// Unsupported for Docker's schema 1.
Result<std::variant<Manifest, Index>> parse_manifest_or_index(std::string_view json,
                                                              std::string_view declared_type);
Result<Manifest> parse_manifest(std::string_view json, std::string_view declared_type = {});
Result<Index> parse_index(std::string_view json, std::string_view declared_type = {});
/// Every descriptor that the document refers to: config, layers, manifests, subject excluded.
std::vector<Descriptor> children(const std::variant<Manifest, Index>& document);

}  // namespace berth::oci
