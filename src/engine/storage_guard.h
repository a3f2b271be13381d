#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/result.h"
#include "engine/configuration.h"
#include "sys/room.h"

namespace berth::engine {

/// Keeps the data root within its limits while content arrives. What is written through it is
/// counted; what others write (containers, volumes) is seen by looking at the disk, which is done
/// when the count comes to a limit and several times a second while something is written. When a
/// limit would be passed, what can be evicted goes first; then the piece is refused. Thread-safe.
class StorageGuard final : public sys::Room {
public:
    struct Evictor {
        /// Gives back about so many bytes, or as many as there are; returns when they are back.
        std::function<Result<>(std::int64_t bytes)> evict;
        /// A piece was refused: what was written before it is of no use.
        std::function<void()> refused;
    };

    StorageGuard(const Clock& clock, std::string root) : clock_(clock), root_(std::move(root)) {}
    /// Without one, nothing goes. Blocks while an eviction runs.
    void set_evictor(Evictor evictor);
    /// From now on.
    void set_limits(const StorageLimits& limits);

    Result<> take(std::uint64_t bytes) override;

private:
    struct Count {
        StorageLimits limits;
        std::int64_t left = 0;  // until the next look
        std::chrono::steady_clock::time_point look_at{};
    };
    struct Seen {
        std::int64_t used = 0, total = 0, free = 0;  // total and free: of the file system
    };
    Result<std::int64_t> used_bytes() const;
    Result<bool> has_free(std::int64_t more);
    Result<Seen> look(const StorageLimits& limits);
    Result<> make_room(std::int64_t bytes);

    const Clock& clock_;
    const std::string root_;
    std::atomic<bool> is_limited_{false};
    Guarded<Count> count_;
    /// Whoever looks and evicts does it for all; held across both, and before any other lock.
    std::mutex looking_;
    Evictor evictor_;  // under looking_
};

/// How many bytes beyond the limits the data root would be with `more` of them; at most 0 when it
/// is within. Exposed for tests.
std::int64_t excess(const StorageLimits& limits, std::int64_t used, std::int64_t total,
                    std::int64_t free, std::int64_t more);

}  // namespace berth::engine
