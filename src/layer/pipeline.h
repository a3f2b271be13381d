#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "codec/sha256.h"
#include "codec/stream.h"

namespace berth::layer {

/// Reads another source ahead on a thread of its own, a few megabytes at most. Destruction stops the thread, after the
/// read that it may be in.
class ReadAhead final : public codec::ByteSource {
public:
    /// `inner` is used by the thread only, until destruction.
    explicit ReadAhead(codec::ByteSource& inner);
    Result<std::size_t> read(std::span<std::byte> buffer) override;

private:
    struct Chunk {
        std::vector<std::byte> bytes;
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    struct Queue {
        std::deque<Chunk> full;
        std::vector<Chunk> empty;
        std::optional<Error> error;
        bool has_ended = false;
    };
    void run(const std::stop_token& stop);

    codec::ByteSource& inner_;
    Guarded<Queue> queue_;
    std::optional<Chunk> current_;
    std::jthread thread_;  ///< last, so that it ends first
};

/// Hashes and counts what is read through it, and gives up with Cancelled when asked to stop.
class HashingSource final : public codec::ByteSource {
public:
    HashingSource(codec::ByteSource& inner, std::stop_token stop) : inner_(inner), stop_(std::move(stop)) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override;
    std::string finish_hex() { return hash_.finish_hex(); }
    std::uint64_t bytes() const { return bytes_; }

private:
    codec::ByteSource& inner_;
    std::stop_token stop_;
    codec::Sha256 hash_;
    std::uint64_t bytes_ = 0;
};

}  // namespace berth::layer
