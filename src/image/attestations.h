#pragma once
#include <string>
#include <vector>

#include "image/image.h"

namespace berth::content {
class Store;
}

namespace berth::image {

/// What is claimed about an image (where it came from, what is in it): one in-toto statement of its
/// index.
struct Attestation {
    oci::Descriptor blob;
    std::string predicate_type;  // "https://slsa.dev/provenance/v0.2"
    std::string
        statement;  // JSON text as signed or written by the builder; "" when it was not asked for
};

struct AttestationQuery {
    std::vector<std::string> predicate_types;  // empty: all
    bool with_statements = false;
};

/// The statements about `image`, one of the manifests of `summary`'s index; none when the index
/// carries none, or when they were not fetched. Fails with NotFound for a statement that is asked
/// for and not here.
Result<std::vector<Attestation>> attestations_of(const Summary& summary, const Image& image,
                                                 const content::Store& content,
                                                 const AttestationQuery& query);

}  // namespace berth::image
