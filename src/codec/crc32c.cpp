#include "codec/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace berth::codec {

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t start) {
    constexpr std::size_t most_at_once = 1 << 30;  // the library counts in int
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), most_at_once));
        // It reads only, though its parameter does not say so.
        auto* data =
            const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(piece.data()));
        start = crc32_iscsi(data, static_cast<int>(piece.size()), start);
        bytes = bytes.subspan(piece.size());
    }
    return start;
}

}  // namespace berth::codec
