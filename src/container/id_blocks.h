#pragma once
#include <cstdint>
#include <set>
#include <string>

#include "base/result.h"

// Which of the host's ids are whose, among all engines of a host. Containers with --userns auto get
// ranges of 65,536 ids; engines get blocks of 64 such ranges, which one file of the host records
// with the data root they are for. An engine asks for a block when it has none with a free range,
// so that a container's creation touches no file, as a rule. Ids stay on the disk with a container,
// therefore the file does, too: below /run it would be empty after a boot, and the engine that
// starts first would hand out what another one's containers have.
namespace berth::container {

inline constexpr std::uint32_t ids_per_range = 65'536;
inline constexpr std::uint32_t ranges_per_block = 64;
/// Above what distributions and directory services hand out, below 2^32 - 1.
inline constexpr std::uint32_t first_block = 0x8000'0000u / ids_per_range / ranges_per_block;
inline constexpr std::uint32_t last_block = 0xefff'ffffu / ids_per_range / ranges_per_block;

/// Numbers of blocks: the block n has the ids from n * 64 * 65,536 on.
using Blocks = std::set<std::uint32_t>;
inline std::uint32_t block_of(std::uint32_t id) { return id / ids_per_range / ranges_per_block; }

/// The host's record. Safe to use from many threads and processes; each call is one short
/// transaction under a lock of the file.
class IdBlocks {
public:
    /// `directory` is made by need; `root` is the engine's data root.
    IdBlocks(std::string directory, std::string root)
        : directory_(std::move(directory)), root_(std::move(root)) {}

    /// This engine's blocks. Those of `in_use` become its own where no other engine has them:
    /// containers from before there was a record, a record that was lost, a data root that was
    /// moved.
    Result<Blocks> claim_used(const Blocks& in_use) const;
    /// One more, chosen at random. Unavailable when other engines have all of them; those of data
    /// roots that are gone are taken only then, for a disk may be away for a while. `in_use` are
    /// never given.
    Result<std::uint32_t> claim_new(const Blocks& in_use) const;

private:
    std::string directory_, root_;
};

}  // namespace berth::container
