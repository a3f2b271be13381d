#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/manifest.h"
#include "oci/reference.h"

namespace berth::cli {

/// A manifest list being put together, on the user's side, until it is pushed.
struct ManifestList {
    struct Entry {
        std::string from;            // complete name of the manifest in its registry
        oci::Descriptor descriptor;  // with its platform
    };
    oci::Reference name;
    std::vector<Entry> entries;

    /// The entry of this manifest; nullptr when the list does not have it.
    Entry* find(const oci::Reference& manifest);
    /// An OCI index, or Docker's list when all manifests are Docker's.
    std::string to_index_json() const;
};

/// Lists in a folder, one file each. Names are complete references.
class ManifestLists {
public:
    explicit ManifestLists(std::string folder) : folder_(std::move(folder)) {}
    Result<std::optional<ManifestList>> find(const oci::Reference& name) const;
    Result<> save(const ManifestList& list) const;
    /// False when there was none.
    Result<bool> remove(const oci::Reference& name) const;

private:
    std::string path_of(const oci::Reference& name) const;
    std::string folder_;
};

}  // namespace berth::cli
