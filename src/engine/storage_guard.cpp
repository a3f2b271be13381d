#include "engine/storage_guard.h"

#include <algorithm>
#include <limits>

#include "base/log.h"
#include "sys/allocate.h"
#include "sys/dir.h"

namespace berth::engine {

namespace {
/// Between two looks at the disk while something is written: what containers write meanwhile goes
/// unseen. A large data root takes long to look at; then looks take a twentieth of the time.
constexpr std::chrono::milliseconds look_interval{200};
constexpr int rest_factor = 20;

std::int64_t kept_free(const StorageLimits& limits, std::int64_t total) {
    // First the division: a file system has more bytes than a hundredth of what fits the type.
    return std::max(limits.keep_free_bytes, total / 100 * limits.keep_free_percent);
}
}  // namespace

std::int64_t excess(const StorageLimits& limits, std::int64_t used, std::int64_t total,
                    std::int64_t free, std::int64_t more) {
    std::int64_t out = std::numeric_limits<std::int64_t>::min() / 2;
    if (limits.max_bytes > 0) out = std::max(out, used + more - limits.max_bytes);
    if (const auto kept = kept_free(limits, total); kept > 0)
        out = std::max(out, kept - (free - more));
    return out;
}

void StorageGuard::set_evictor(Evictor evictor) {
    const std::lock_guard lock(looking_);
    evictor_ = std::move(evictor);
}

void StorageGuard::set_limits(const StorageLimits& limits) {
    auto count = count_.lock();
    if (count->limits == limits) return;
    *count = {.limits = limits};
    is_limited_ = limits != StorageLimits{};
}

Result<> StorageGuard::take(std::uint64_t bytes) {
    if (!is_limited_) return {};
    const auto more = static_cast<std::int64_t>(bytes);
    const auto has_left = [&] {
        auto count = count_.lock();
        if (count->left < more || clock_.steady_now() >= count->look_at) return false;
        count->left -= more;
        return true;
    };
    if (TRY(has_free(more)) && has_left()) return {};
    const std::lock_guard lock(looking_);
    // Another thread may have looked while this one waited.
    if (TRY(has_free(more)) && has_left()) return {};
    auto made = make_room(more);
    if (made.is_error() && made.error().is(ErrorCode::NoSpace) && evictor_.refused)
        evictor_.refused();
    return made;
}

// Cheap, and others fill the file system, too: it is asked each time.
Result<bool> StorageGuard::has_free(std::int64_t more) {
    StorageLimits limits = count_.lock()->limits;
    limits.max_bytes = 0;
    if (limits == StorageLimits{}) return true;
    const Seen seen = TRY(look(limits));
    return excess(limits, 0, seen.total, seen.free, more) <= 0;
}

// As du(1), without what is mounted below the root on kernels before 6.15.
Result<std::int64_t> StorageGuard::used_bytes() const {
    std::uint64_t used = 0;
    for (const auto& entry : TRY(sys::list_dir(root_).context(root_))) {
        if (entry.name == "mounts") continue;
        const auto below = sys::disk_usage(concat(root_, "/", entry.name));
        if (below) used += *below;  // else it was on its way out
    }
    return static_cast<std::int64_t>(used);
}

Result<StorageGuard::Seen> StorageGuard::look(const StorageLimits& limits) {
    Seen seen;
    if (limits.max_bytes > 0) seen.used = TRY(used_bytes());
    const auto space = TRY(sys::file_system_space(root_).context(root_));
    seen.total = static_cast<std::int64_t>(space.total);
    seen.free = static_cast<std::int64_t>(space.free);
    return seen;
}

Result<> StorageGuard::make_room(std::int64_t bytes) {
    const StorageLimits limits = count_.lock()->limits;
    const auto began = clock_.steady_now();
    Seen seen = TRY(look(limits));
    const auto looked = clock_.steady_now() - began;
    std::int64_t over = excess(limits, seen.used, seen.total, seen.free, bytes);
    if (over > 0 && evictor_.evict) {
        if (auto evicted = evictor_.evict(over); evicted.is_error())
            log.warn("nothing was evicted, continuing", {{"error", evicted.error().message()}});
        seen = TRY(look(limits));
        over = excess(limits, seen.used, seen.total, seen.free, bytes);
    }
    if (over > 0) {
        const bool is_too_large = limits.max_bytes > 0 && seen.used + bytes > limits.max_bytes;
        const auto kept = kept_free(limits, seen.total);
        return fail(ErrorCode::NoSpace, "there is no room: ",
                    is_too_large ? concat("storage-max is ", size_text(limits.max_bytes), ", and ",
                                          size_text(seen.used), " are used in ", root_)
                                 : concat("storage-keep-free is ", size_text(kept), ", and ",
                                          size_text(std::max<std::int64_t>(seen.free, 0)),
                                          " are free on the file system of ", root_))
            .with_hint(
                "what could go by itself has gone: `berth system df -v` shows what is here, "
                "`berth system prune` removes what nothing uses; or set a wider limit");
    }
    auto count = count_.lock();
    if (count->limits != limits) return {};
    count->left = -over;
    count->look_at = clock_.steady_now() + std::max<std::chrono::steady_clock::duration>(
                                               look_interval, looked * rest_factor);
    return {};
}

}  // namespace berth::engine
