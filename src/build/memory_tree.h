#pragma once
#include <cstddef>
#include <optional>

#include "sys/mount.h"

namespace berth::build {

/// What a tree in memory may take.
inline constexpr std::size_t memory_tree_bytes = 8 << 20;

/// An empty file system in memory for a tree that is needed for a moment and is likely small; what
/// does not fit gives NoSpace, and belongs on disk. On ext4 a new file costs the more the more
/// files were removed in the last minutes, because their inodes are passed over: builds one after
/// the other would pay 1.6 ms for each file they copy. None where a part of a mount that is
/// attached nowhere cannot be bind mounted (Linux before 6.15).
std::optional<sys::DetachedMount> make_memory_tree();

}  // namespace berth::build
