#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace berth::codec {

/// Where bytes come from.
class ByteSource {
public:
    virtual ~ByteSource() = default;
    /// Fills the front of `buffer` (not empty) and says how much; 0 is the end, and stays so.
    virtual Result<std::size_t> read(std::span<std::byte> buffer) = 0;
};

/// Where bytes go. A sink that must be finished (a compressor, a blob) has a verb of its own for
/// that.
class ByteSink {
public:
    virtual ~ByteSink() = default;
    /// Takes all of `bytes`.
    virtual Result<> write(std::span<const std::byte> bytes) = 0;
};

/// Bytes that are in memory; the owner keeps them alive.
class MemorySource final : public ByteSource {
public:
    explicit MemorySource(std::span<const std::byte> bytes) : rest_(bytes) {}
    explicit MemorySource(std::string_view text) : rest_(as_bytes(text)) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override;

private:
    std::span<const std::byte> rest_;
};

/// Collects bytes in a string; InvalidArgument past `limit`.
class StringSink final : public ByteSink {
public:
    explicit StringSink(std::size_t limit = SIZE_MAX) : limit_(limit) {}
    Result<> write(std::span<const std::byte> bytes) override;
    const std::string& text() const { return text_; }
    std::string take() { return std::move(text_); }

private:
    std::size_t limit_;
    std::string text_;
};

/// Fails past `limit` bytes, so that a small archive cannot fill a disk.
class LimitedSource final : public ByteSource {
public:
    LimitedSource(ByteSource& inner, std::uint64_t limit) : inner_(inner), rest_(limit) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override;

private:
    ByteSource& inner_;
    std::uint64_t rest_;
};

/// Counts what passes.
class CountingSink final : public ByteSink {
public:
    explicit CountingSink(ByteSink& inner) : inner_(inner) {}
    Result<> write(std::span<const std::byte> bytes) override;
    std::uint64_t bytes() const { return bytes_; }

private:
    ByteSink& inner_;
    std::uint64_t bytes_ = 0;
};

/// Moves everything from `source` to `sink`; returns how many bytes.
Result<std::uint64_t> copy(ByteSource& source, ByteSink& sink);
/// Everything up to the end; InvalidArgument when there are more than `limit` bytes.
Result<std::string> read_all(ByteSource& source, std::size_t limit);

}  // namespace berth::codec
