#pragma once
#include <cstdint>

#include "base/result.h"

namespace berth::sys {

/// Whoever fills the disk asks here before each piece.
class Room {
public:
    virtual ~Room() = default;
    /// NoSpace when these bytes must not be written: then nothing of what they belong to is kept.
    /// May take long, as others' bytes may have to go first. To be called without locks.
    virtual Result<> take(std::uint64_t bytes) = 0;
};

}  // namespace berth::sys
