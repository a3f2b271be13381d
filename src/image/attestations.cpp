#include "image/attestations.h"

#include <algorithm>

#include "content/store.h"
#include "oci/manifest.h"

namespace berth::image {

namespace {
constexpr std::size_t max_statement_bytes = 16 << 20;

// BuildKit puts a manifest of its own beside an image's in the index, which says about whom it is.
const oci::Descriptor* attestation_manifest_of(const Summary& summary, const oci::Digest& image) {
    for (const auto& manifest : summary.manifests) {
        if (manifest.descriptor.annotation("vnd.docker.reference.type") == "attestation-manifest" &&
            manifest.descriptor.annotation("vnd.docker.reference.digest") == image.to_string())
            return &manifest.descriptor;
    }
    return nullptr;
}
}  // namespace

Result<std::vector<Attestation>> attestations_of(const Summary& summary, const Image& image,
                                                 const content::Store& content,
                                                 const AttestationQuery& query) {
    std::vector<Attestation> out;
    const oci::Descriptor* about = attestation_manifest_of(summary, image.manifest.digest);
    if (!about || !content.has(about->digest)) return out;
    const std::string bytes = TRY(content.read(about->digest));
    const auto document = TRY(oci::parse_manifest_or_index(bytes, about->media_type));
    const auto* manifest = std::get_if<oci::Manifest>(&document);
    if (!manifest) return out;
    const auto& wanted = query.predicate_types;
    for (const auto& layer : manifest->layers) {
        Attestation found{.blob = layer,
                          .predicate_type = layer.annotation("in-toto.io/predicate-type"),
                          .statement = {}};
        const bool is_wanted =
            wanted.empty() || std::ranges::find(wanted, found.predicate_type) != wanted.end();
        if (found.predicate_type.empty() || !is_wanted) continue;
        if (query.with_statements) {
            found.statement = TRY(content.read(layer.digest, max_statement_bytes)
                                      .context("attestation statement ", layer.digest));
        }
        out.push_back(std::move(found));
    }
    return out;
}

}  // namespace berth::image
