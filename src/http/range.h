#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace berth::http {

/// Bytes of a representation.
struct ByteRange {
    std::uint64_t offset = 0, length = 0;
    bool operator==(const ByteRange&) const = default;
};

enum class RangeOutcome {
    Whole,  // no range, or one that may be ignored (several, another unit): send everything
    Partial,
    Unsatisfiable,  // 416
};

/// Reads the header Range against a representation of `size` bytes. RFC 9110 14.1.2.
RangeOutcome parse_range(std::string_view header, std::uint64_t size, ByteRange& out);

}  // namespace berth::http
