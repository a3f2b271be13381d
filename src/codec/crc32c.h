#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace berth::codec {

/// CRC-32C without the final inversion, as EROFS has it. With the start 0, zeros have the sum 0.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t start);

}  // namespace berth::codec
