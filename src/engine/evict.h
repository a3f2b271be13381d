#pragma once
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "image/store.h"

namespace berth::engine {

struct Engine;

/// Something that may go to make room.
struct EvictionCandidate {
    std::string id;
    Timestamp last_used{};
    bool is_pulled = false;         // a registry gives it again; else it has to be built again
    std::set<image::Piece> pieces;  // what it has; other candidates may have them, too
    std::int64_t bytes = 0;         // what it has besides, that nobody shares
};

/// Which of the candidates to remove so that at least `needed` bytes come back; all that give any
/// back when that is not enough. Those go first that were not used for long and are cheap to get
/// again: what must be built again counts as used four times as recently. `holders` says how many
/// have each piece, candidates or not, and `bytes` how large it is.
std::vector<std::size_t> choose_victims(const std::vector<EvictionCandidate>& candidates,
                                        const std::map<image::Piece, int>& holders,
                                        const std::map<image::Piece, std::int64_t>& bytes,
                                        std::int64_t needed, Timestamp now);

/// Makes `bytes` of room, or as much as there is: what is left of downloads, then unused images
/// that a registry gives again, images without a name and build cache. Never what has a name and
/// was made here, is pinned, or is held by what runs: a container, a build, a pull, a push.
Result<> evict(Engine& engine, std::int64_t bytes);

}  // namespace berth::engine
