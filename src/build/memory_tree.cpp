#include "build/memory_tree.h"

#include <string>

namespace berth::build {

std::optional<sys::DetachedMount> make_memory_tree() {
    if (!sys::can_copy_detached_mounts()) return std::nullopt;
    auto mount =
        sys::make_mount("tmpfs", {{.key = "size", .value = std::to_string(memory_tree_bytes)},
                                  {.key = "nr_inodes", .value = "16384"},
                                  {.key = "mode", .value = "0755"}});
    if (!mount) return std::nullopt;
    return std::move(*mount);
}

}  // namespace berth::build
