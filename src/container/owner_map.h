#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oci/runtime_spec.h"

// Whose files a container makes in a folder of the host. Through an idmapped mount its user is the
// caller, and every other user of it one of the caller's subordinate ids: nothing fails, and
// nothing on the disk becomes the host's root.
namespace berth::container {

struct IdRange {
    std::uint32_t first = 0, count = 0;
};
/// Ids that no distribution hands out, for callers without an entry in /etc/subuid.
inline constexpr std::uint32_t unclaimed_ids = 1'879'048'192;

/// The caller's range in the text of /etc/subuid or /etc/subgid, by name or number; with fewer than
/// 65,536 ids it is no help. subuid(5).
IdRange find_subordinate_range(std::string_view file, std::string_view name, std::uint32_t id);

/// The map of the mount: ids on the disk (the maps' container side) to ids in the container.
/// `owner` is the caller, `user` the container's.
std::vector<oci::RuntimeIdMapping> owner_map(std::uint32_t owner, std::uint32_t user, IdRange rest);

}  // namespace berth::container
