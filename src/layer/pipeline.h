#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "codec/sha256.h"
#include "codec/stream.h"

namespace berth::layer {

/// What a producer writes becomes a source: the producer runs on a thread of its own, a few
/// megabytes ahead.
class ProducerSource final : public codec::ByteSource {
public:
    /// The producer's end. Its write() fails with Cancelled once the source is being destroyed.
    class Sink final : public codec::ByteSink {
    public:
        Result<> write(std::span<const std::byte> bytes) override;
        /// Room to be filled in place, and how much of it was.
        Result<std::span<std::byte>> space();
        void filled(std::size_t bytes);

    private:
        friend class ProducerSource;
        Sink(ProducerSource& owner, std::stop_token stop) : owner_(owner), stop_(std::move(stop)) {}
        void flush();
        ProducerSource& owner_;
        std::stop_token stop_;
        std::vector<std::byte> chunk_;
        std::size_t used_ = 0;
    };
    using Producer = std::function<Result<>(Sink& sink)>;

    /// `producer` runs until it returns; what it refers to must outlive this object. Its error
    /// becomes the reader's.
    explicit ProducerSource(Producer producer);
    /// Reads `inner` ahead; only the thread uses it until destruction.
    static Producer read_ahead(codec::ByteSource& inner);

    Result<std::size_t> read(std::span<std::byte> buffer) override;

private:
    struct Queue {
        std::deque<std::pair<std::vector<std::byte>, std::size_t>>
            full;  ///< buffers and how much of each is used
        std::vector<std::vector<std::byte>> empty;
        std::optional<Error> error;
        bool has_ended = false;
    };
    Guarded<Queue> queue_;
    std::vector<std::byte> current_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::jthread thread_;  ///< last, so that it ends first
};

/// Hashes and counts what is read through it, and gives up with Cancelled when asked to stop.
class HashingSource final : public codec::ByteSource {
public:
    HashingSource(codec::ByteSource& inner, std::stop_token stop)
        : inner_(inner), stop_(std::move(stop)) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override;
    std::string finish_hex() { return hash_.finish_hex(); }
    std::uint64_t bytes() const { return bytes_; }

private:
    codec::ByteSource& inner_;
    std::stop_token stop_;
    codec::Sha256 hash_;
    std::uint64_t bytes_ = 0;
};

/// Gives everything to two sinks.
class TeeSink final : public codec::ByteSink {
public:
    TeeSink(codec::ByteSink& first, codec::ByteSink& second) : first_(first), second_(second) {}
    Result<> write(std::span<const std::byte> bytes) override;

private:
    codec::ByteSink& first_;
    codec::ByteSink& second_;
};

}  // namespace berth::layer
