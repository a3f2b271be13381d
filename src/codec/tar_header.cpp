#include <algorithm>

#include "codec/tar_internal.h"

namespace berth::codec::tar {

std::optional<std::int64_t> number(std::string_view bytes) {
    if (bytes.empty()) return 0;
    const auto first = static_cast<unsigned char>(bytes[0]);
    if ((first & 0x80) != 0) {
        // Base-256: two's complement, big endian, the top bit of the first byte being the mark.
        const bool is_negative = (first & 0x40) != 0;
        std::uint64_t value = is_negative ? ~std::uint64_t{0} : 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            auto byte = static_cast<unsigned char>(bytes[i]);
            if (i == 0)
                byte = is_negative ? static_cast<unsigned char>(byte | 0x80) : (byte & 0x7f);
            const std::uint64_t top = value >> 55;
            if (top != (is_negative ? 0x1ff : 0)) return std::nullopt;
            value = value << 8 | byte;
        }
        return static_cast<std::int64_t>(value);
    }
    std::size_t begin = 0;
    while (begin < bytes.size() && bytes[begin] == ' ') ++begin;
    std::uint64_t value = 0;
    std::size_t at = begin;
    for (; at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '7'; ++at) {
        if (value >> 60 != 0) return std::nullopt;
        value = value << 3 | static_cast<std::uint64_t>(bytes[at] - '0');
    }
    const bool is_terminated =
        std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(),
                    [](char c) { return c == ' ' || c == '\0'; });
    // After the first NUL anything may follow: old writers did not clear the field.
    if (!is_terminated && (at == bytes.size() || (bytes[at] != '\0' && bytes[at] != ' ')))
        return std::nullopt;
    return static_cast<std::int64_t>(value);
}

Checksums checksums(std::string_view block) {
    Checksums sums;
    for (std::size_t i = 0; i < block.size(); ++i) {
        const bool in_field = i >= checksum.offset && i < checksum.offset + checksum.length;
        const char byte = in_field ? ' ' : block[i];
        sums.of_unsigned += static_cast<unsigned char>(byte);
        sums.of_signed += static_cast<signed char>(byte);
    }
    return sums;
}

bool is_zero(std::string_view block) {
    return block.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace berth::codec::tar
