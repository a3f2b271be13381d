#pragma once
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

#include "base/guarded.h"
#include "base/result.h"
#include "oci/digest.h"

namespace berth::image {

/// So many transfers at a time, over all pulls or all pushes; the number may change meanwhile.
class Slots {
public:
    /// Given back when it ends.
    class Slot {
    public:
        explicit Slot(Slots& owner) : owner_(&owner) {}
        Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        Slot& operator=(Slot&&) = delete;
        ~Slot() {
            if (!owner_) return;
            --owner_->state_.lock()->used;
            owner_->state_.notify_all();
        }

    private:
        Slots* owner_;
    };

    explicit Slots(unsigned limit) { state_.lock()->limit = limit; }
    void set_limit(unsigned limit) {
        state_.lock()->limit = limit;
        state_.notify_all();
    }
    unsigned limit() { return state_.lock()->limit; }
    bool is_full() {
        auto state = state_.lock();
        return state->used >= state->limit;
    }
    /// Waits for its turn; Cancelled when stopped before.
    Result<Slot> take(const std::stop_token& stop) {
        auto state = state_.lock();
        ++state->waiting;
        const bool is_free =
            state.wait(stop, [](const State& now) { return now.used < now.limit; });
        --state->waiting;
        if (!is_free) return fail(ErrorCode::Cancelled, "interrupted");
        ++state->used;
        return Slot(*this);
    }
    /// One that nobody waits for, or none.
    std::optional<Slot> take_spare() {
        auto state = state_.lock();
        if (state->used >= state->limit || state->waiting > 0) return std::nullopt;
        ++state->used;
        return Slot(*this);
    }

private:
    struct State {
        unsigned limit = 1, used = 0, waiting = 0;
    };
    Guarded<State> state_;
};

/// The only one at work on a digest, among those who ask.
class Turn {
public:
    using Digests = Guarded<std::set<oci::Digest>>;
    /// Waits until nobody is; Cancelled when stopped before.
    static Result<Turn> take(Digests& digests, const oci::Digest& digest,
                             const std::stop_token& stop) {
        auto taken = digests.lock();
        if (!taken.wait(stop, [&](const auto& set) { return !set.contains(digest); }))
            return fail(ErrorCode::Cancelled, "interrupted");
        taken->insert(digest);
        return Turn(digests, digest);
    }
    Turn(Turn&& other) noexcept
        : digests_(std::exchange(other.digests_, nullptr)), digest_(std::move(other.digest_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
        if (!digests_) return;
        digests_->lock()->erase(digest_);
        digests_->notify_all();
    }

private:
    Turn(Digests& digests, oci::Digest digest) : digests_(&digests), digest_(std::move(digest)) {}
    Digests* digests_;
    oci::Digest digest_;
};

}  // namespace berth::image
