#pragma once
#include <cstring>
#include <deque>
#include <vector>

#include "base/guarded.h"
#include "codec/stream.h"

namespace berth::image {

/// A bounded pipe between two threads: one writes what it downloads, the other reads it as a
/// ByteSource.
class Channel final : public codec::ByteSource {
public:
    /// Waits while the reader is far behind. Cancelled when the reader has given up.
    Result<> write(std::span<const std::byte> bytes) {
        auto state = state_.lock();
        state.wait({}, [](const State& s) { return s.bytes < capacity || s.is_abandoned; });
        if (state->is_abandoned) return fail(ErrorCode::Cancelled, "the reader stopped");
        state->pieces.emplace_back(bytes.begin(), bytes.end());
        state->bytes += bytes.size();
        state_.notify_all();
        return {};
    }
    /// No more bytes. With an error, the reader gets it instead of the end.
    void close(std::optional<Error> error = {}) {
        auto state = state_.lock();
        state->is_closed = true;
        state->error = std::move(error);
        state_.notify_all();
    }
    /// The reader will not read on: writers are told.
    void abandon() {
        state_.lock()->is_abandoned = true;
        state_.notify_all();
    }

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        auto state = state_.lock();
        state.wait({}, [](const State& s) { return !s.pieces.empty() || s.is_closed; });
        if (state->pieces.empty()) {
            if (state->error) return state->error->clone();
            return std::size_t{0};
        }
        auto& piece = state->pieces.front();
        const std::size_t count = std::min(buffer.size(), piece.size() - offset_);
        std::memcpy(buffer.data(), piece.data() + offset_, count);
        offset_ += count;
        if (offset_ == piece.size()) {
            state->pieces.pop_front();
            offset_ = 0;
        }
        state->bytes -= count;
        state_.notify_all();
        return count;
    }

private:
    static constexpr std::size_t capacity = 4 << 20;
    struct State {
        std::deque<std::vector<std::byte>> pieces;
        std::size_t bytes = 0;
        bool is_closed = false;
        bool is_abandoned = false;
        std::optional<Error> error;
    };
    Guarded<State> state_;
    std::size_t offset_ = 0;  // of the reader, in the front piece
};

}  // namespace berth::image
