#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/mount.h"

namespace berth::runtime {

/// The options of one mount, sorted by what acts on them. runtime-spec, config.md "Linux mount
/// options".
struct MountOptions {
    std::uint64_t set = 0;  ///< MOUNT_ATTR_* for the mount itself
    std::uint64_t clear = 0;
    std::uint64_t recursive_set = 0;  ///< the r* options: for every mount below as well
    std::uint64_t recursive_clear = 0;
    bool bind = false;
    bool recursive_bind = false;
    /// MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE; 0: nothing was asked for.
    std::uint64_t propagation = 0;
    bool recursive_propagation = false;
    bool copy_up = false;  ///< tmpcopyup: start with what the image has there
    bool idmap = false;
    bool recursive_idmap = false;
    bool idmap_is_optional = false;  ///< ours ("tryidmap"): go without where the file system cannot
    /// Ours ("beneath=PATH"): the part of the source that is meant. It is looked up beneath the
    /// source, by no link that leads out of it.
    std::string beneath;
    /// For the file system itself: "size=64k", "mode=755", "sync".
    std::vector<sys::MountOption> data;

    bool is_read_only() const;
    const std::string* find_data(std::string_view key) const;
};

/// InvalidArgument for options that cannot go together. Options that no one here knows are the file
/// system's.
Result<MountOptions> parse_mount_options(const std::vector<std::string>& options);

/// "rslave" -> MS_SLAVE and recursive; used for linux.rootfsPropagation too. False for other words.
bool parse_propagation(std::string_view word, MountOptions& out);

/// Names that parse_mount_options() understands, for `features`.
std::vector<std::string> known_mount_options();

}  // namespace berth::runtime
