#pragma once
#include <cstdint>
#include <span>

#include "base/result.h"
#include "codec/crc32c.h"
#include "layer/erofs_format_internal.h"
#include "sys/fd.h"

namespace berth::layer {

/// One number for all bytes of an image, which any changed block changes. Blocks count by their
/// place and in any order, so that the sum can be kept while an image is written and patched.
/// Blocks of zeros count nothing: holes need no reading.
class ImageSum {
public:
    /// Whole blocks, from `first_block` on.
    void add(std::uint64_t first_block, std::span<const std::byte> bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += erofs::block_bytes)
            sum_ += share(first_block++, bytes.subspan(at, erofs::block_bytes));
    }
    void replace(std::uint64_t block, std::span<const std::byte> before,
                 std::span<const std::byte> after) {
        sum_ += share(block, after) - share(block, before);
    }
    /// Never 0, which says that an image has no sum.
    std::uint64_t value() const { return sum_ == 0 ? 1 : sum_; }

private:
    static std::uint64_t share(std::uint64_t block, std::span<const std::byte> bytes) {
        constexpr std::uint64_t golden =
            0x9e3779b97f4a7c15;  // spreads neighbours over all bits; odd, so that no block counts
                                 // nothing
        const std::uint64_t weight = (block + 1) * golden;
        return codec::crc32c(bytes, 0) * ((weight ^ weight >> 29) | 1);
    }

    std::uint64_t sum_ = 0;
};

/// Fills `buffer` from `offset` on; less only at the end of the file.
Result<std::size_t> read_blocks(sys::BorrowedFd file, std::span<std::byte> buffer,
                                std::uint64_t offset);

}  // namespace berth::layer
