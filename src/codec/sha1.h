#pragma once
#include <array>
#include <cstddef>
#include <span>

namespace berth::codec {

/// SHA-1 (FIPS 180-4). Broken as a promise about bytes: only for protocols that prescribe it, such
/// as WebSocket's greeting.
std::array<std::byte, 20> sha1(std::span<const std::byte> bytes);

}  // namespace berth::codec
