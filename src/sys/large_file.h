#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// What direct I/O asks of memory, offsets and sizes: whole pages, which no disk's block exceeds.
inline constexpr std::size_t page_bytes = 4096;

/// Bytes collected in memory that direct I/O can write: it begins with a page.
class PageBuffer {
public:
    explicit PageBuffer(std::size_t capacity) : capacity_(capacity) {}
    /// As many of `bytes` as there is room for; how many that were.
    std::size_t append(std::span<const std::byte> bytes);
    std::span<const std::byte> bytes() const { return {memory_.get(), size_}; }
    std::size_t size() const { return size_; }
    bool is_empty() const { return size_ == 0; }
    bool is_full() const { return size_ == capacity_; }
    void clear() { size_ = 0; }

private:
    struct Free {
        void operator()(std::byte* memory) const {
            ::operator delete(memory, std::align_val_t(page_bytes));
        }
    };
    std::unique_ptr<std::byte, Free> memory_;  ///< from the first append() on
    std::size_t capacity_;
    std::size_t size_ = 0;
};

/// A file that may become large, and will be synced before anybody relies on it. From
/// `cached_bytes` on, whole pages go past the page cache (O_DIRECT of open(2)): through it, every
/// byte is copied once more, into pages that have to be found, and pushes what the machine's
/// programs use out of memory. What is small stays in the cache, for whoever reads it next. Where
/// the file system has no direct I/O everything goes through the cache.
class LargeFile {
public:
    static constexpr std::uint64_t cached_bytes = 4 << 20;
    /// How much to collect before a write, when there is a choice.
    static constexpr std::size_t piece_bytes = 1 << 20;

    /// Nothing goes past the cache: somebody will read all of it next.
    static constexpr std::uint64_t all_cached = ~std::uint64_t{0};

    /// `file` is writable and outlives this; its first `cached` bytes stay in the page cache.
    explicit LargeFile(BorrowedFd file, std::uint64_t cached = cached_bytes)
        : file_(file), cached_(cached) {}
    /// pwrite(2) until everything is written.
    Result<> pwrite(std::span<const std::byte> bytes, std::uint64_t offset);

private:
    bool can_be_direct(std::span<const std::byte> bytes, std::uint64_t offset);

    BorrowedFd file_;
    std::uint64_t cached_;
    std::optional<Fd> direct_;
    bool is_refused_ = false;
};

}  // namespace berth::sys
