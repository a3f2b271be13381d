#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace berth::codec {

/// RFC 4648 section 4, with padding.
std::string encode_base64(std::string_view bytes);
/// RFC 4648 section 5 (- and _), with padding.
std::string encode_base64url(std::string_view bytes);
/// Reads both alphabets, with or without padding; white space is skipped. nullopt for any other
/// character or length.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace berth::codec
