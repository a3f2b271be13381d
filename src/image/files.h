#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "oci/digest.h"

// What is in an image's layers, file by file: for those who want a smaller image, or to know what
// an update changed.
namespace berth::image {

/// One layer of an image, bottom first.
struct LayerReport {
    struct File {
        std::string path;
        std::int64_t bytes = 0;
    };
    oci::Digest diff_id;
    std::string created_by;
    std::int64_t blob_bytes = 0, disk_bytes = 0;       // 0: not here
    std::int64_t added = 0, changed = 0, removed = 0;  // entries, against the layers below
    std::int64_t added_bytes = 0;                      // content of added and changed files
    std::int64_t wasted_bytes = 0;  // content of lower layers' files that it hides
    std::vector<File> largest;      // of what it brings
};
inline constexpr std::size_t max_largest_files = 10;

/// A path that two images do not have alike.
struct FileDifference {
    enum class Kind { Added, Deleted, Changed };
    Kind kind = Kind::Added;
    std::string path;
    std::int64_t bytes_before = 0, bytes_after = 0;
    int layer_before = -1, layer_after = -1;  // index of the layer that brings it
};

}  // namespace berth::image
